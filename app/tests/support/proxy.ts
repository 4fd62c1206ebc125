/** A wire to the validator that can be cut and mended: whoever is connected is thrown off, and nobody else gets through. */
import net, { type Server, type Socket } from 'node:net';

export class Wire {
    readonly #sockets = new Set<Socket>();
    readonly #server: Server;
    #isCut = false;

    private constructor(target: number) {
        this.#server = net.createServer(client => {
            if (this.#isCut) {
                client.destroy();
                return;
            }
            const upstream = net.connect(target, '127.0.0.1');
            for (const socket of [client, upstream]) {
                this.#sockets.add(socket);
                socket.on('error', () => socket.destroy());
                socket.on('close', () => {
                    this.#sockets.delete(socket);
                    client.destroy();
                    upstream.destroy();
                });
            }
            client.pipe(upstream).pipe(client);
        });
    }

    /** A wire to a port; the address has the port of this end. */
    static async to(url: string): Promise<{ wire: Wire; url: string }> {
        const parsed = new URL(url);
        const wire = new Wire(Number(parsed.port));
        await new Promise<void>(resolve => wire.#server.listen(0, '127.0.0.1', resolve));
        const address = wire.#server.address();
        if (address === null || typeof address === 'string') throw new Error('the wire has no port');
        parsed.port = String(address.port);
        return { wire, url: parsed.href.replace(/\/$/, '') };
    }

    cut(): void {
        this.#isCut = true;
        for (const socket of this.#sockets) socket.destroy();
    }

    mend(): void {
        this.#isCut = false;
    }

    stop(): void {
        this.cut();
        this.#server.close();
    }
}
