//! The three functions a host calls, and the two buffers between them. The only unsafe code here: the buffers' addresses go
//! out to the host, which writes one before a call and reads the other after it. WebAssembly runs one thread.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;

use crate::{INPUT_BYTES, OUTPUT_BYTES};

#[repr(C, align(16))]
struct Buffer<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: there is one thread.
unsafe impl<const BYTES: usize> Sync for Buffer<BYTES> {}

static INPUT: Buffer<INPUT_BYTES> = Buffer(UnsafeCell::new([0; INPUT_BYTES]));
static OUTPUT: Buffer<OUTPUT_BYTES> = Buffer(UnsafeCell::new([0; OUTPUT_BYTES]));

/// Where the host writes a question: [`INPUT_BYTES`] bytes.
#[no_mangle]
pub extern "C" fn input() -> *mut u8 {
    INPUT.0.get().cast()
}

/// Where the host reads an answer: [`OUTPUT_BYTES`] bytes.
#[no_mangle]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.0.get().cast_const().cast()
}

/// Answers the question of `len` bytes: how many bytes the answer has, or a [`Mistake`](crate::Mistake), below zero.
#[no_mangle]
pub extern "C" fn call(question: u32, len: u32) -> i32 {
    // SAFETY: one thread, and the host does not run while this does; the buffers are used by nothing else.
    let (input, output) = unsafe { (&*INPUT.0.get(), &mut *OUTPUT.0.get()) };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    match input.get(..len).ok_or(crate::Mistake::Malformed).and_then(|input| crate::call(question, input, output)) {
        Ok(written) => i32::try_from(written).unwrap_or(crate::Mistake::TooLong as i32),
        Err(mistake) => mistake as i32,
    }
}

/// A panic becomes a trap, which the host sees as an exception and reports.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
