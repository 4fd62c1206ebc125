/** Exact fractions: vectors are read and compared without a float. */
export class Fraction {
    private constructor(
        readonly numerator: bigint,
        readonly denominator: bigint,
    ) {}

    static of(numerator: bigint, denominator = 1n): Fraction {
        return denominator < 0n ? new Fraction(-numerator, -denominator) : new Fraction(numerator, denominator);
    }

    /** Reads `-12.50`, `3`, `1e-6`. */
    static parse(text: string): Fraction {
        const found = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
        if (found === null) throw new Error(`${text} is no decimal number`);
        const [, sign, whole = '', fraction = '', exponent = '0'] = found;
        const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
        const power = Number(exponent) - fraction.length;
        return power >= 0 ? Fraction.of(digits * 10n ** BigInt(power)) : Fraction.of(digits, 10n ** BigInt(-power));
    }

    /** Decimals after the point that its text needs. */
    static decimals(text: string): number {
        let decimals = 0;
        for (let value = Fraction.parse(text); value.numerator % value.denominator !== 0n; decimals += 1)
            value = value.times(10n);
        return decimals;
    }

    times(number: bigint): Fraction {
        return Fraction.of(this.numerator * number, this.denominator);
    }

    minus(other: Fraction): Fraction {
        const numerator = this.numerator * other.denominator - other.numerator * this.denominator;
        return Fraction.of(numerator, this.denominator * other.denominator);
    }

    product(other: Fraction): Fraction {
        return Fraction.of(this.numerator * other.numerator, this.denominator * other.denominator);
    }

    abs(): Fraction {
        return Fraction.of(this.numerator < 0n ? -this.numerator : this.numerator, this.denominator);
    }

    isAtMost(other: Fraction): boolean {
        return this.minus(other).numerator <= 0n;
    }

    floor(): bigint {
        const quotient = this.numerator / this.denominator;
        return this.numerator < 0n && this.numerator % this.denominator !== 0n ? quotient - 1n : quotient;
    }

    ceil(): bigint {
        return -Fraction.of(-this.numerator, this.denominator).floor();
    }
}
