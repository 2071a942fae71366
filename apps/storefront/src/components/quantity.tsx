/** Choosing how many: a number that can be typed, with a button on each side. */
import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';

type QuantityProps = {
  /** Identifies the input in the page. */
  id: string;
  /** What is counted, for those who hear the page. */
  name: string;
  value: number;
  limit: number;
  onChange: (quantity: number) => void;
  /** Id of an element that explains a limit. */
  describedBy?: string;
};

export function Quantity({ id, name, value, limit, onChange, describedBy }: QuantityProps) {
  // What is being typed may be empty or too much for a moment; it counts when the field is left.
  const [typed, setTyped] = useState<string | null>(null);
  useEffect(() => setTyped(null), [value]);

  const settle = (): void => {
    const wanted = Number.parseInt(typed ?? '', 10);
    if (Number.isSafeInteger(wanted) && wanted >= 1 && wanted !== value) onChange(wanted);
    setTyped(null);
  };

  return (
    <span class="quantity">
      <button
        type="button"
        class="quantity-step"
        aria-label={`One less of ${name}`}
        disabled={value <= 1}
        onClick={() => onChange(value - 1)}
      >
        <Icon name="minus" />
      </button>
      <label class="visually-hidden" for={id}>
        Quantity of {name}
      </label>
      <input
        id={id}
        class="quantity-input"
        inputMode="numeric"
        pattern="[0-9]*"
        autoComplete="off"
        maxLength={4}
        value={typed ?? String(value)}
        aria-describedby={describedBy}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onBlur={settle}
        onKeyDown={(event) => {
          if (event.key === 'Enter') settle();
        }}
      />
      <button
        type="button"
        class="quantity-step"
        aria-label={`One more of ${name}`}
        disabled={value >= limit}
        onClick={() => onChange(value + 1)}
      >
        <Icon name="plus" />
      </button>
    </span>
  );
}
