import type { ResolveHook } from 'node:module';

/**
 * A module hook, registered behind tsx: a user's TypeScript file is an ES module also where its package.json does not say
 * `"type": "module"`. As CommonJS it would get a second copy of this package, whose errors and serdes are not the CLI's.
 */
export const resolve: ResolveHook = async (specifier, context, next) => {
  const resolved = await next(specifier, context);
  const isOwnTypeScript = /\.tsx?(?:[?#]|$)/.test(resolved.url) && !resolved.url.includes('/node_modules/');
  return isOwnTypeScript ? { ...resolved, format: 'module' } : resolved;
};
