//! Results of any type, folded into 64 bits.

pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    pub fn value(&self) -> u64 {
        self.0
    }

    pub fn u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }

    pub fn u128(&mut self, value: u128) {
        self.u64(value as u64);
        self.u64((value >> 64) as u64);
    }

    pub fn i128(&mut self, value: i128) {
        self.u128(value as u128);
    }

    pub fn i64(&mut self, value: i64) {
        self.u64(value as u64);
    }

    pub fn bool(&mut self, value: bool) {
        self.u64(u64::from(value));
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        for &byte in value {
            self.u64(u64::from(byte));
        }
    }

    /// `None` and `Some(0)` differ.
    pub fn option(&mut self, value: Option<u128>) {
        self.bool(value.is_some());
        self.u128(value.unwrap_or_default());
    }

    pub fn option_i128(&mut self, value: Option<i128>) {
        self.option(value.map(|value| value as u128));
    }

    pub fn overflowing(&mut self, (value, overflowed): (u128, bool)) {
        self.u128(value);
        self.bool(overflowed);
    }
}
