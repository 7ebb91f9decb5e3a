/** The values of the server's metrics at one moment. */
export interface Readings {
  /** The sum of a metric's values whose label has one of the given values; of all of them without a label. */
  sum(name: string, label?: string, values?: readonly string[]): number;
}

/** Who measures. */
export interface ReadingsSource {
  collect(): Promise<Readings>;
}
