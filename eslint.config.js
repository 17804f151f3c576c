import tsdoc from 'eslint-plugin-tsdoc';
import tseslint from 'typescript-eslint';

const nodeIo = [
  'child_process', 'cluster', 'dgram', 'dns', 'fs', 'fs/promises', 'http', 'https', 'net', 'os',
  'process', 'timers', 'timers/promises', 'tls', 'worker_threads',
].map((name) => `node:${name}`); // prettier-ignore

/** Layers that reach the outside only through arguments, outputs and ports. */
const pureLayers = [
  'base', 'config', 'protocol', 'media', 'directory', 'prompts', 'mailbox', 'routing', 'menus', 'call', 'cmdlets',
]; // prettier-ignore

export default tseslint.config(
  { ignores: ['dist', 'coverage', '**/*.mjs', '**/*.cjs', 'eslint.config.js', 'node_modules'] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { tsdoc },
    rules: {
      'tsdoc/syntax': 'error',
      complexity: ['error', { max: 12, variant: 'modified' }],
      'max-depth': ['error', 3],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      eqeqeq: 'error',
      'no-console': 'error',
      'id-denylist': ['error', 'tmp', 'obj', 'util', 'helper', 'manager'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
    },
  },
  {
    files: pureLayers.map((layer) => `src/${layer}/**`),
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: nodeIo.map((name) => ({ name, message: 'sans-I/O layer: ask through an output or a port' })) },
      ],
      'no-restricted-globals': [
        'error', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'fetch', 'performance', 'crypto',
      ], // prettier-ignore
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'time is an argument' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
      ],
    },
  },
  {
    files: ['test/**'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'describe', 'it'] }] },
      ],
    },
  },
);
