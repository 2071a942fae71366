/** The few pictures of the pages' own; all of them stand beside words, so screen readers skip them. */

type IconProps = { name: keyof typeof paths; className?: string };

const paths = {
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm4.7 11.2L20 20',
  cart: 'M3 4.5h2.2l2.2 10.3h9.9l2-7.3H6.1M9.2 19.2h.01M16 19.2h.01',
  plus: 'M12 5.5v13M5.5 12h13',
  minus: 'M5.5 12h13',
  check: 'm5 12.5 4.6 4.6L19 7.5',
  person: 'M12 12a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6Zm-7 7.6c1-3.4 3.6-5 7-5s6 1.6 7 5',
  back: 'M19 12H5.5m5.6-6-6 6 6 6',
  trash: 'M5 7h14M10 7V4.8h4V7m-7 0 .8 12.2h8.4L17 7m-5 3.5v5.5',
  alert: 'M12 8.2v5M12 16.4h.01M12 3.6 2.9 19.6h18.2L12 3.6Z',
  down: 'm6 9.5 6 6 6-6',
  close: 'm6.5 6.5 11 11m0-11-11 11',
  pulse: 'M3 12.5h4.2l2.3-6 4.4 11.5 2.6-5.5H21',
} as const;

export function Icon({ name, className }: IconProps) {
  return (
    <svg class={className ?? 'icon'} viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** The shop's mark: a hull with its weight low down, so that it rights itself. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="9" />
      <path class="mark-hull" d="M5 13h22a11 11 0 0 1-22 0Z" />
      <circle class="mark-weight" cx="16" cy="18.2" r="2.7" />
      <path class="mark-mast" d="M16 5.5v7.5" stroke-width="2.2" stroke-linecap="round" />
    </svg>
  );
}
