// A chaincode as a table of functions. Each function names the forms of its arguments and answers bytes; what goes wrong is
// answered with status 500 and a message that begins with what it is, `not-found: …`, for the adapter to tell by.

import shim from 'fabric-shim';

/** Why a call is not carried out; `kind` is one of the standard's error codes. */
export class Refusal extends Error {
    constructor(kind, text) {
        super(`${kind}: ${text}`);
    }
}

const invalid = (text) => new Refusal('invalid-argument', text);

/** Bytes as they came. */
export const bytes = (argument) => argument;

/** UTF-8; anything else is refused, and nothing is replaced. */
export function text(argument) {
    try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(argument);
    } catch {
        throw invalid('a text is not UTF-8');
    }
}

/** A decimal integer in its one form: no sign but `-`, no leading zero. */
export function integer(argument) {
    const digits = text(argument);
    if (digits.length > 80 || !/^(0|-?[1-9][0-9]*)$/.test(digits)) throw invalid('an integer is not decimal');
    return BigInt(digits);
}

/** `true` or `false`. */
export function boolean(argument) {
    const word = text(argument);
    if (word !== 'true' && word !== 'false') throw invalid('a boolean is neither true nor false');
    return word === 'true';
}

/** JSON, given on as the text that came. */
export function json(argument) {
    const source = text(argument);
    try {
        JSON.parse(source);
    } catch {
        throw invalid('an argument is not JSON');
    }
    return source;
}

/**
 * A function of a contract: the forms of its arguments, and what it does with the stub and the decoded arguments. What `run`
 * gives is the answer: a Buffer, or a text.
 */
export const declare = (forms, run) => ({ forms, run });

/** The chaincode with these functions, by name. */
export function chaincode(functions) {
    return {
        async Init() {
            return shim.success();
        },

        async Invoke(stub) {
            try {
                const [name, ...given] = stub.getBufferArgs();
                const named = name === undefined ? '' : text(name);
                if (!Object.hasOwn(functions, named)) throw new Refusal('not-found', 'there is no such function');
                const { forms, run } = functions[named];
                if (given.length !== forms.length) {
                    throw invalid(`${named} takes ${forms.length} arguments, not ${given.length}`);
                }
                const answer = await run(stub, ...forms.map((form, place) => form(given[place])));
                return shim.success(Buffer.from(answer ?? ''));
            } catch (error) {
                return shim.error(error instanceof Error ? error.message : String(error));
            }
        },
    };
}

// Fabric takes a written value without bytes for a deletion, so that a value is kept behind one byte.
const KEPT = Buffer.from([1]);

/** What is written for a value, which may be empty. */
export const wrap = (value) => Buffer.concat([KEPT, value]);

/** The value that was written; none where nothing is. */
export function unwrap(written) {
    return written === undefined || written.length === 0 ? undefined : Buffer.from(written).subarray(1);
}
