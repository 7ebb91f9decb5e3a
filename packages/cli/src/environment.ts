/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a variable; an empty one counts as none. */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}
