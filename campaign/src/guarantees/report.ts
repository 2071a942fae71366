/** What the check of a guarantee finds out. */
export interface GuaranteeReport {
  /** Measured, by name. */
  figures: Record<string, number>;
  /** Sentences; empty when the guarantee held. */
  violations: string[];
}
