/** A network between a page and its node that can be cut. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Passes connections on to an address of this machine, until it is cut. */
export class Link {
    readonly #server: Server;
    readonly #sockets = new Set<Socket>();
    #isCut = false;

    private constructor(target: number) {
        this.#server = createServer(client => {
            if (this.#isCut) {
                client.destroy();
                return;
            }
            const upstream = connect(target, '127.0.0.1');
            client.pipe(upstream).pipe(client);
            for (const socket of [client, upstream]) {
                this.#sockets.add(socket);
                const end = (): void => {
                    client.destroy();
                    upstream.destroy();
                    this.#sockets.delete(socket);
                };
                socket.on('error', end).on('close', end);
            }
        });
    }

    /** A link to a port, and the port it listens on. */
    static async to(url: string): Promise<{ link: Link; port: number }> {
        const link = new Link(Number(new URL(url.replace(/^ws/, 'http')).port));
        await new Promise<void>(resolve => link.#server.listen(0, '127.0.0.1', resolve));
        const address = link.#server.address();
        if (address === null || typeof address === 'string') throw new Error('the link has no port');
        return { link, port: address.port };
    }

    /** Ends all connections, and refuses new ones. */
    cut(): void {
        this.#isCut = true;
        for (const socket of this.#sockets) socket.destroy();
    }

    /** Lets connections through again. */
    mend(): void {
        this.#isCut = false;
    }

    /** For good. */
    close(): void {
        this.cut();
        this.#server.close();
    }
}
