/** Every call `/lab` makes beyond those of the shop, by name and with its types. All are for operators, in the lab. */
import type {
  Claim,
  LabBuckets,
  LabCacheEntry,
  LabCluster,
  LabConvergeResult,
  LabCredentials,
  LabFaults,
  LabRaceResult,
  LabRelay,
  LabRows,
  LabStampedeResult,
} from '@ballast/contracts';
import { call } from './calls.ts';
import type { AnswerHead, CallOptions } from './client.ts';

/** Milliseconds a demonstration that does a lot at once may take to answer. */
const longCall = 60_000;

function get<Answer>(path: string, signal: AbortSignal): Promise<Answer> {
  return call(path, { signal, patient: false });
}

function send<Answer>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  signal: AbortSignal | null,
  body?: unknown,
  more: CallOptions = {},
): Promise<Answer> {
  return call(path, {
    method,
    timeoutMilliseconds: longCall,
    patient: false,
    ...(signal === null ? {} : { signal }),
    ...(body === undefined ? {} : { body }),
    ...more,
  });
}

/** Address of a service's own lab route, through the bff. */
export function serviceAddress(instance: string, path: string): string {
  return `/api/lab/services/${instance}/${path}`;
}

export function getCluster(signal: AbortSignal): Promise<LabCluster> {
  return get('/api/lab/cluster', signal);
}

export function getBuckets(signal: AbortSignal): Promise<LabBuckets> {
  return get('/api/lab/buckets', signal);
}

/** Takes one token of the expensive bucket. Throws `ApiError` where there is none; `onAnswer` is told either way. */
export function spendToken(signal: AbortSignal, onAnswer: (head: AnswerHead) => void): Promise<void> {
  return send('POST', '/api/lab/buckets/expensive/spend', signal, undefined, { onAnswer });
}

export function raceForKey(orderId: string, callers: number, signal: AbortSignal): Promise<LabRaceResult> {
  return send('POST', '/api/lab/race/key', signal, { orderId, callers });
}

export function raceForVersion(productId: string, writers: number, signal: AbortSignal): Promise<LabRaceResult> {
  return send('POST', '/api/lab/race/version', signal, { productId, writers });
}

export function getProductRow(instance: string, productId: string, signal: AbortSignal): Promise<LabRows> {
  return get(serviceAddress(instance, `products/${productId}/row`), signal);
}

export function stampede(
  instance: string,
  order: { productId: string; callers: number; singleFlight: boolean },
  signal: AbortSignal,
): Promise<LabStampedeResult> {
  return send('POST', serviceAddress(instance, 'cache/stampede'), signal, order);
}

export function getCacheEntry(instance: string, productId: string, signal: AbortSignal): Promise<LabCacheEntry> {
  return get(serviceAddress(instance, `cache/products/${productId}`), signal);
}

export function converge(productId: string, onHand: number, signal: AbortSignal): Promise<LabConvergeResult> {
  return send('POST', '/api/lab/converge', signal, { productId, onHand });
}

export function getCredentials(instance: string, signal: AbortSignal): Promise<LabCredentials> {
  return get(serviceAddress(instance, 'credentials'), signal);
}

export function rotateCredentials(instance: string, signal: AbortSignal): Promise<LabCredentials> {
  return send('POST', serviceAddress(instance, 'credentials/rotate'), signal);
}

export function loadCredentials(
  instance: string,
  load: { seconds: number; perSecond: number; longMilliseconds: number },
  signal: AbortSignal,
): Promise<LabCredentials> {
  return send('POST', serviceAddress(instance, 'credentials/load'), signal, load);
}

export function getRelay(instance: string, signal: AbortSignal): Promise<LabRelay> {
  return get(serviceAddress(instance, 'relay'), signal);
}

export function pauseRelay(instance: string, seconds: number, signal: AbortSignal): Promise<LabRelay> {
  return send('POST', serviceAddress(instance, 'relay/pause'), signal, { seconds });
}

/** Without a signal: what was paused is resumed also when the page is left meanwhile. */
export function resumeRelay(instance: string): Promise<LabRelay> {
  return send('POST', serviceAddress(instance, 'relay/resume'), null);
}

export function armFault(
  instance: string,
  point: string,
  fault: { action: 'error'; times: number; seconds: number },
  signal: AbortSignal,
): Promise<LabFaults> {
  return send('PUT', serviceAddress(instance, `faults/${point}`), signal, fault);
}

/** Without a signal: what was broken is healed also when the page is left meanwhile. */
export function disarmFault(instance: string, point: string): Promise<LabFaults> {
  return send('DELETE', serviceAddress(instance, `faults/${point}`), null);
}

/** Files a claim. The same key and body may be sent again at any time: there will be one claim. */
export function fileClaim(
  claim: { orderId: string; reason: 'damaged'; details: string },
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Claim> {
  return call('/api/claims', { method: 'POST', body: claim, idempotencyKey, signal });
}

export function grantClaim(claimId: string, note: string, signal: AbortSignal): Promise<Claim> {
  return send('POST', `/api/claims/${claimId}/decision`, signal, { decision: 'grant', note });
}

export function getClaim(claimId: string, signal: AbortSignal): Promise<Claim> {
  return get(`/api/claims/${claimId}`, signal);
}

/** The claims filed under a key, as rows. */
export function getClaimRows(idempotencyKey: string, signal: AbortSignal): Promise<LabRows> {
  return get(serviceAddress('claims', `claims?${new URLSearchParams({ key: idempotencyKey })}`), signal);
}
