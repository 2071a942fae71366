/** Every command and event in the mesh, with the schema of its body. */
import { Type, type Static, type TSchema } from 'typebox';
import { DeviceEvents, DeviceSessions, DeviceTelemetry, GatewayCounted } from './devices.ts';
import { Currency, MinorUnits, Timestamp, Uuid } from './primitives.ts';
import { OrderLine } from './orders.ts';
import { PaymentProviderName } from './payments.ts';

const body = <Properties extends Record<string, TSchema>>(properties: Properties) =>
  Type.Object({ orderId: Uuid, ...properties }, { additionalProperties: false });

const code = Type.String({ maxLength: 100 });
const detail = Type.String({ maxLength: 500 });

/** Commands, by type: `to` names the one service that carries it out. */
export const commands = {
  /** Set aside stock for all lines of an order, or for none. */
  ReserveStock: { to: 'catalog', body: body({ lines: Type.Array(OrderLine, { minItems: 1, maxItems: 50 }) }) },
  /** Put an order's reserved stock back on hand. Also for an order catalog has never seen. */
  ReleaseStock: { to: 'catalog', body: body({}) },
  /** Turn an order's reserved stock into sold stock. */
  CommitStock: { to: 'catalog', body: body({}) },
  /** Hold the order's total with the provider. */
  AuthorizePayment: {
    to: 'payments',
    body: body({
      provider: PaymentProviderName,
      method: Type.String({ maxLength: 100 }),
      amount: MinorUnits,
      currency: Currency,
    }),
  },
  /** Take the money that is held. */
  CapturePayment: { to: 'payments', body: body({}) },
  /** Give up the order's payment: void what is held, refund what was taken. */
  CancelPayment: {
    to: 'payments',
    body: body({
      /** 1 and up when an operator asks for it again after the provider had refused; each number is tried once. */
      retry: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    }),
  },
  /** Give a completed order's money back because a claim was granted. */
  RefundPayment: {
    to: 'payments',
    body: body({
      claimId: Uuid,
      /** 1 and up when the claim is granted again after a refund was refused; each number is tried once. */
      retry: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    }),
  },
} as const;

/** Events, by type: `from` names the service that tells it. */
export const events = {
  StockReserved: { from: 'catalog', body: body({ expiresAt: Timestamp }) },
  StockRejected: {
    from: 'catalog',
    body: body({
      code,
      shortages: Type.Array(Type.Object({ productId: Uuid, requested: Type.Integer(), available: Type.Integer() })),
    }),
  },
  StockReleased: { from: 'catalog', body: body({}) },
  StockCommitted: { from: 'catalog', body: body({}) },
  StockCommitRejected: { from: 'catalog', body: body({ code }) },
  PaymentAuthorized: { from: 'payments', body: body({ amount: MinorUnits, currency: Currency }) },
  PaymentDeclined: { from: 'payments', body: body({ code, detail }) },
  PaymentCaptured: { from: 'payments', body: body({ amount: MinorUnits, currency: Currency }) },
  CaptureRefused: { from: 'payments', body: body({ code, detail }) },
  /** Nothing of the order's money is held or taken any more. `refunded` is what had been taken. */
  PaymentCancelled: { from: 'payments', body: body({ refunded: MinorUnits, currency: Currency }) },
  /** The provider will not give the money back: a person has to decide. */
  PaymentCancelRefused: { from: 'payments', body: body({ code, detail }) },
  /** A granted claim's money is back with the customer; `refunded` is the sum. */
  PaymentRefunded: { from: 'payments', body: body({ claimId: Uuid, refunded: MinorUnits, currency: Currency }) },
  /** The provider will not give a granted claim's money back. */
  RefundRefused: { from: 'payments', body: body({ claimId: Uuid, code, detail }) },
} as const;

/** Events about devices, which belong to no order: their correlation id is the epoch of the gateway that tells them. */
export const deviceEvents = {
  /** What a gateway's process has counted since its start. */
  GatewayCounted: { from: 'tcp-gateway', body: GatewayCounted },
  DeviceEvents: { from: 'tcp-gateway', body: DeviceEvents },
  DeviceTelemetry: { from: 'tcp-gateway', body: DeviceTelemetry },
} as const;

/** What gateways tell one another; it is nobody else's business. */
export const gatewayEvents = {
  DeviceSessions: { from: 'tcp-gateway', body: DeviceSessions },
} as const;

export const messages = { ...commands, ...events, ...deviceEvents, ...gatewayEvents } as const;

export type CommandType = keyof typeof commands;
export type EventType = keyof typeof events;
export type DeviceEventType = keyof typeof deviceEvents;
/** Messages about orders. */
export type MessageType = CommandType | EventType;
export type MessageBody<T extends MessageType> = Static<(typeof messages)[T]['body']>;

/** Version of every body above. A change that old readers cannot read gets a new type, not a new number. */
export const messageVersion = 1;
