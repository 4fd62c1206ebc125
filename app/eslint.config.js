import js from '@eslint/js';
import a11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

export default ts.config(
    { ignores: ['dist', 'dist-localnet', 'node_modules'] },
    js.configs.recommended,
    ...ts.configs.strict,
    {
        files: ['src/**/*.{ts,tsx}'],
        extends: [a11y.flatConfigs.strict, hooks.configs.flat['recommended-latest']],
    },
    {
        files: ['**/*.{ts,tsx}'],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            '@typescript-eslint/no-floating-promises': 'error',
            '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
            // `index!` in places that a length check just above proves.
            '@typescript-eslint/no-non-null-assertion': 'off',
            '@typescript-eslint/no-invalid-void-type': 'off',
        },
    },
    {
        files: ['src/**/*.{ts,tsx}'],
        rules: {
            // A table that becomes cards on a small screen loses its meaning there unless its roles are said.
            'jsx-a11y/no-redundant-roles': 'off',
            'jsx-a11y/no-interactive-element-to-noninteractive-role': ['error', { td: ['cell'] }],
            // What scrolls must be reachable by keyboard.
            'jsx-a11y/no-noninteractive-tabindex': ['error', { roles: ['region'], tags: ['main'] }],
        },
    },
    { files: ['scripts/*.mjs'], languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } } },
);
