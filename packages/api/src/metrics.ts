import { Type, type Static } from './schema.ts';

const seconds = (description: string) => Type.Integer({ format: 'int64', description });

/** A metric of `GET /api/v3/metrics`. */
export const MetricsDescription = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    labels: Type.Array(Type.String()),
  },
  { title: 'MetricsDescription' },
);
export type MetricsDescription = Static<typeof MetricsDescription>;

/** Picks series of a metric. */
export const MetricsQueryMetric = Type.Object(
  {
    name: Type.String(),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Regular expressions (RE2) that the values of the labels must contain',
      }),
    ),
  },
  { title: 'MetricsQueryMetric' },
);
export type MetricsQueryMetric = Static<typeof MetricsQueryMetric>;

/** The body of `POST /api/v3/metrics`. */
export const MetricsQuery = Type.Object(
  {
    timerange_sec: seconds('How far back; 0 for the present values'),
    interval_sec: seconds('The step between past values'),
    metrics: Type.Array(MetricsQueryMetric),
  },
  { title: 'MetricsQuery' },
);
export type MetricsQuery = Static<typeof MetricsQuery>;

/** The values of one metric for one set of labels. */
export const MetricsResponseMetric = Type.Object(
  {
    name: Type.String(),
    labels: Type.Union([Type.Null(), Type.Record(Type.String(), Type.String())]),
    values: Type.Array(Type.Tuple([Type.Integer({ description: 'Unix time in seconds' }), Type.Number()])),
  },
  { title: 'MetricsResponseMetric' },
);
export type MetricsResponseMetric = Static<typeof MetricsResponseMetric>;

/** The answer of `POST /api/v3/metrics`. */
export const MetricsResponse = Type.Object(
  {
    timerange_sec: seconds('How far back the history goes; 0 without one'),
    interval_sec: seconds('The step in which it is sampled; 0 without one'),
    metrics: Type.Array(MetricsResponseMetric),
  },
  { title: 'MetricsResponse' },
);
export type MetricsResponse = Static<typeof MetricsResponse>;
