/** Whether something is on the screen: what nobody sees need not be drawn anew with every event. */
import { useEffect, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

/** True at first, so that what is drawn once is there for those who do not look. */
export function useVisible(ref: RefObject<Element | null>): boolean {
  const [visible, setVisible] = useState(true);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver((entries) => setVisible(entries.at(-1)?.isIntersecting === true), {
      rootMargin: '100px',
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return visible;
}
