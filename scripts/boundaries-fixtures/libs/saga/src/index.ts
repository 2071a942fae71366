import { relay } from '@ballast/outbox';
import { lab } from '@ballast/lab'; // planted: libs import libs only

export { relay, lab };
