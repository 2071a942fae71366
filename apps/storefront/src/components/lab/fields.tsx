/** The inputs of the demonstrations: a number within bounds, a product, one of a few. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { supplies } from '../../state/lab-supplies.ts';

type NumberFieldProps = {
  id: string;
  label: string;
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
};

/** What is being typed counts when the field is left; it is brought within the bounds then. */
export function NumberField({ id, label, value, min, max, onChange }: NumberFieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const settle = (text: string): void => {
    const number = Number.parseInt(text, 10);
    if (Number.isSafeInteger(number)) onChange(Math.min(max, Math.max(min, number)));
  };
  return (
    <label class="lab-field" for={id}>
      <span>{label}</span>
      <input
        id={id}
        class="input lab-number"
        type="number"
        inputMode="numeric"
        min={min}
        max={max}
        value={typed ?? String(value)}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          settle(event.currentTarget.value);
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

type SelectFieldProps = {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ComponentChildren;
};

export function SelectField({ id, label, value, onChange, children }: SelectFieldProps) {
  return (
    <label class="lab-field" for={id}>
      <span>{label}</span>
      <select id={id} class="input lab-select" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {children}
      </select>
    </label>
  );
}

/** A product of the shop; an empty id stands for the first. */
export function ProductField({ id, value, onChange }: { id: string; value: string; onChange: (id: string) => void }) {
  const { products } = supplies.value;
  return (
    <SelectField id={id} label="Product" value={value} onChange={onChange}>
      {products.length === 0 && <option value="">The first of the list</option>}
      {products.map((product) => (
        <option key={product.productId} value={product.productId}>
          {product.name} ({product.onHand} on hand)
        </option>
      ))}
    </SelectField>
  );
}
