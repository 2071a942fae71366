/** The frame of every page: its title, its heading, and the focus when a visitor arrives. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { arrivals } from '../router.ts';

type PageProps = {
  /** Title of the document; also the heading unless one is given. */
  title: string;
  heading?: ComponentChildren;
  /** A line above the heading, for instance where the page belongs. */
  above?: ComponentChildren;
  className?: string;
  children: ComponentChildren;
};

let lastArrival = 0;

export function Page({ title, heading, above, className, children }: PageProps) {
  const ref = useRef<HTMLHeadingElement>(null);
  const arrival = arrivals.value;

  useEffect(() => {
    document.title = title === 'Ballast' ? title : `${title} · Ballast`;
  }, [title]);

  useEffect(() => {
    // Not on the first page: there the browser has put the focus where it belongs.
    if (arrival === lastArrival) return;
    lastArrival = arrival;
    ref.current?.focus({ preventScroll: true });
  }, [arrival]);

  return (
    <div class={className === undefined ? 'page' : `page ${className}`}>
      {above}
      <h1 ref={ref} tabIndex={-1} class="page-heading">
        {heading ?? title}
      </h1>
      {children}
    </div>
  );
}
