/** Light or dark, and which colour is whose: the same for all panels of the page. */
import { createPlaces } from '../../metrics/looks.ts';
import type { Places, Scheme } from '../../metrics/looks.ts';
import { useMedia } from '../hooks.ts';

const places = new Map<string, Places>();

/** The places of all panels with this legend: a service looks the same on each of them. */
export function placesOf(legend: string): Places {
  const known = places.get(legend) ?? createPlaces();
  places.set(legend, known);
  return known;
}

/** What the visitor's system asks for, and when that changes. */
export function useScheme(): Scheme {
  return useMedia('(prefers-color-scheme: dark)') ? 'dark' : 'light';
}
