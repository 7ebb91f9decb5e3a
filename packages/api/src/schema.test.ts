import Box from 'typebox';
import { expect, test } from 'vitest';
import { Type } from './schema.ts';

const schemas = [
  (type: typeof Type) => type.Object({}),
  (type: typeof Type) => type.Object({ a: type.String(), b: type.Optional(type.Integer({ minimum: 0 })) }),
  (type: typeof Type) => type.Object({ a: type.Optional(type.Boolean()) }, { title: 'A' }),
  (type: typeof Type) => type.Array(type.Number({ description: 'in seconds' })),
  (type: typeof Type) => type.Union([type.Literal('a'), type.Literal(1), type.Null()]),
  (type: typeof Type) => type.Record(type.String(), type.Array(type.String())),
  (type: typeof Type) => type.Tuple([type.String(), type.Integer()]),
  (type: typeof Type) => type.Unknown(),
];

test.each(schemas.map((make) => [make.toString(), make] as const))(
  '%s is what TypeBox makes',
  (_text, make) => {
    expect(JSON.parse(JSON.stringify(make(Type)))).toEqual(JSON.parse(JSON.stringify(make(Box))));
  },
);
