/** The built page on a loopback port, with the configuration that names validator and market. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { createGzip } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.json': 'application/json; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.wasm': 'application/wasm',
    '.woff2': 'font/woff2',
};
const COMPRESSED = new Set(['.html', '.js', '.css', '.json', '.svg', '.wasm']);

/** Serves a folder; `config` is what `/config.json` says. Port 0 takes a free one. Returns the address and how to stop. */
export async function serve(folder: string, config: () => unknown, port = 0): Promise<{ url: string; stop: () => void }> {
    const server: Server = createServer((request, response) => {
        const path = normalize(new URL(request.url ?? '/', 'http://page').pathname);
        if (path === '/config.json') {
            response.writeHead(200, { 'content-type': TYPES['.json'], 'cache-control': 'no-store' });
            response.end(JSON.stringify(config()));
            return;
        }
        const file = join(folder, path === '/' ? 'index.html' : path);
        if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
            response.writeHead(404).end('not found');
            return;
        }
        const type = extname(file);
        const isZipped = COMPRESSED.has(type) && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
        const isHashed = path.startsWith('/assets/');
        response.writeHead(200, {
            'content-type': TYPES[type] ?? 'application/octet-stream',
            'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
            ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
        });
        const stream = createReadStream(file);
        if (isZipped) stream.pipe(createGzip()).pipe(response);
        else stream.pipe(response);
    });
    await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the page has no port');
    const stop = () => {
        server.close();
        server.closeAllConnections();
    };
    return { url: `http://127.0.0.1:${address.port}/`, stop };
}
