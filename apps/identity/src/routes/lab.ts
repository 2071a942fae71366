/** Lab routes of identity's own: the login it has on loan, and device tokens that are wrong on purpose. */
import { OddToken, OddTokenRequest } from '@ballast/contracts';
import type { LeasedDatabase } from '@ballast/postgres';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { addLabRoutes, problemResponses, type HttpServer } from '@ballast/service';
import type { DeviceTokenSigner } from '../domain/device-token.ts';

/** Adds `/lab/credentials…`, in lab mode only and for operators only. */
export async function addCredentialRoutes(server: HttpServer, database: LeasedDatabase): Promise<void> {
  await addLabRoutes(server, (lab) => credentialLabRoutes(lab, database));
}

/** Adds `/lab/devices/odd-tokens`: truly signed, and wrong in exactly the way that is asked for. */
export async function addOddTokenRoute(server: HttpServer, signer: DeviceTokenSigner): Promise<void> {
  await addLabRoutes(server, (lab) => {
    lab.post(
      '/devices/odd-tokens',
      { schema: { body: OddTokenRequest, response: { 200: OddToken, ...problemResponses } } },
      async ({ body: { deviceId, kind } }) => ({ token: await signer.signOdd(deviceId, kind) }),
    );
  });
}
