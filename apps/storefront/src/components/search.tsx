/** The search field. On the product list it searches while one types; elsewhere when Enter is pressed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { navigate, place } from '../router.ts';
import { productsAddress } from '../paths.ts';

/** Milliseconds without a keystroke before the search begins. */
const restBeforeSearch = 250;

export function Search() {
  const here = place.value;
  const searched = here.page === 'products' ? here.query : '';
  const [words, setWords] = useState(searched);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const typing = useRef(false);

  useEffect(() => {
    // Going back changes the words, too; but never under the hands of someone who types.
    if (!typing.current) setWords(searched);
  }, [searched, here.page]);

  const search = (text: string, quiet: boolean): void => {
    clearTimeout(timer.current);
    typing.current = false;
    const address = productsAddress(text);
    if (quiet) navigate(address, { replace: true, quiet: true });
    else if (address !== place.peek().address) navigate(address);
  };

  const type = (text: string): void => {
    setWords(text);
    clearTimeout(timer.current);
    if (place.peek().page !== 'products') return;
    typing.current = true;
    timer.current = setTimeout(() => search(text, true), restBeforeSearch);
  };

  return (
    <search class="search">
      <form
        class="search-form"
        onSubmit={(event) => {
          event.preventDefault();
          search(words, place.peek().page === 'products');
        }}
      >
        <label class="visually-hidden" for="search">
          Search products
        </label>
        <Icon name="search" className="search-icon" />
        <input
          id="search"
          type="search"
          name="query"
          class="search-input"
          placeholder="Search products"
          autoComplete="off"
          maxLength={100}
          value={words}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </form>
    </search>
  );
}
