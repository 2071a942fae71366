/**
 * The defect `service.series-per-path`: a label that takes a value for every address, so that metrics grow with what is
 * asked for. What it has left behind goes when it does.
 */
import { defect } from '@ballast/faults';
import type { Histogram } from '@prometheus-io/client';

interface Labels extends Record<string, string> {
  method: string;
  route: string;
  status: string;
}

/** Returns what observes a request by its address, in seconds, while the defect is planted; false while it is not. */
export function createOddSeries(histogram: Histogram<string>): (labels: Labels, seconds: number) => boolean {
  const odd = new Map<string, Labels>();
  return (labels, seconds) => {
    if (defect('service.series-per-path')) {
      odd.set(JSON.stringify(labels), labels);
      histogram.observe(labels, seconds);
      return true;
    }
    for (const left of odd.values()) histogram.remove(left);
    odd.clear();
    return false;
  };
}
