/** Messages inside a page: what failed, what is empty, what to do now. */
import type { ComponentChildren } from 'preact';
import { sentenceOf } from '../api/errors.ts';
import { Icon } from './icons.tsx';

/** Something could not be loaded; it can be tried again. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div class="message message-problem" role="alert">
      <Icon name="alert" />
      <p>{sentenceOf(error)}</p>
      {onRetry !== undefined && (
        <button type="button" class="button button-quiet" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** There is nothing to show, and that is in order. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <svg class="empty-picture" viewBox="0 0 120 80" aria-hidden="true" focusable="false">
        <path class="empty-hull" d="M24 34h72a36 30 0 0 1-72 0Z" />
        <path class="empty-mast" d="M60 8v26" />
        <circle class="empty-weight" cx="60" cy="48" r="6" />
        <path class="empty-water" d="M6 70c9-6 18-6 27 0s18 6 27 0 18-6 27 0 18 6 27 0" />
      </svg>
      <p class="empty-title">{title}</p>
      <div class="empty-actions">{children}</div>
    </div>
  );
}

/** Grey boxes in the place of what is being loaded. */
export function Skeleton({ className }: { className: string }) {
  return <span class={`skeleton ${className}`} aria-hidden="true" />;
}
