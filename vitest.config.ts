import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['topo-source'] },
  ssr: { resolve: { conditions: ['topo-source', 'node', 'import', 'default'] } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000, pool: 'forks', typecheck: { enabled: false } },
});
