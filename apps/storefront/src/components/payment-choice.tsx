/** Provider first, then the means of payment, each with what is going to happen. */
import type { PaymentMethod, PaymentProviderName } from '@ballast/contracts';
import { wordsOf } from '../saga/words.ts';

const providerNames: Record<PaymentProviderName, string> = { stripe: 'Stripe', paypal: 'PayPal' };
const providerWords: Record<PaymentProviderName, string> = {
  stripe: 'Pay by card',
  paypal: 'Pay with your PayPal account',
};

/** A provider's name for people. */
export function providerName(provider: PaymentProviderName): string {
  return providerNames[provider];
}

type ChoiceProps = {
  methods: readonly PaymentMethod[];
  chosen: PaymentMethod | null;
  onChoose: (method: PaymentMethod) => void;
};

export function PaymentChoiceFields({ methods, chosen, onChoose }: ChoiceProps) {
  const providers = [...new Set(methods.map((method) => method.provider))];
  const offered = methods.filter((method) => method.provider === chosen?.provider);
  const groups = [
    { legend: 'Means of payment', methods: offered.filter((method) => !misbehaves(method)) },
    { legend: 'Made to misbehave: see what the shop makes of it', methods: offered.filter(misbehaves) },
  ].filter((group) => group.methods.length > 0);
  return (
    <>
      <fieldset class="choices choices-side">
        <legend>Provider</legend>
        {providers.map((provider) => (
          <label class="choice" key={provider}>
            <input
              type="radio"
              name="provider"
              value={provider}
              checked={chosen?.provider === provider}
              onChange={() => {
                const first = methods.find((method) => method.provider === provider);
                if (first !== undefined) onChoose(first);
              }}
            />
            <span class="choice-text">
              <span class="choice-label">{providerNames[provider]}</span>
              <span class="choice-note">{providerWords[provider]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {groups.map((group) => (
        <fieldset class="choices" key={group.legend}>
          <legend>{group.legend}</legend>
          {group.methods.map((method) => (
            <label class="choice" key={method.method} data-testid={`method-${method.method}`}>
              <input
                type="radio"
                name="method"
                value={method.method}
                checked={chosen?.method === method.method}
                onChange={() => onChoose(method)}
              />
              <span class="choice-text">
                <span class="choice-label">{method.label}</span>
                <span class={`outcome outcome-${outcomeTone(method.outcome)}`}>{outcomeWords(method.outcome)}</span>
              </span>
            </label>
          ))}
        </fieldset>
      ))}
    </>
  );
}

/** Whether the method exists only in the payment provider's stand-in, to try out what seldom happens. */
function misbehaves({ method }: PaymentMethod): boolean {
  return method.includes('_standin_');
}

function outcomeTone(outcome: string): 'good' | 'bad' | 'other' {
  if (outcome === 'accepted' || outcome === 'refund_refused') return 'good';
  return outcome === 'declined' ? 'bad' : 'other';
}

function outcomeWords(outcome: string): string {
  // The payment itself is accepted; only giving the money back would fail.
  return outcome === 'refund_refused' ? 'Accepted, never refunded' : wordsOf(outcome);
}
