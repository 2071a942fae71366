/** A link inside the shop: it changes the page without loading it anew, and stays an ordinary link otherwise. */
import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { navigate } from '../router.ts';

type LinkProps = {
  href: string;
  children: ComponentChildren;
  class?: string;
  'aria-label'?: string;
  'aria-current'?: 'page' | undefined;
  'data-testid'?: string;
};

export function Link({ href, children, ...rest }: LinkProps) {
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>): void => {
    // With a modifier key the browser opens a tab or a window: that is its business.
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return (
    <a href={href} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
