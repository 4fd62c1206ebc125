//! Quotes from return data.

use bytemuck::Pod;

pub use plimsoll_engine::quote::{
    BackstopProviderQuote, CollateralQuote, DebtQuote, LenderExposureQuote, LenderQuote, LiquidationQuote,
    PositionQuote,
};

/// Why return data is no quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// More bytes than the quote has.
    #[error(
        "return data has {found} bytes, this quote has {expected}; was it another instruction's, or another version's?"
    )]
    TooLong {
        /// Bytes there were.
        found: usize,
        /// Bytes of the quote.
        expected: usize,
    },
}

/// Decodes what `quote_position` returned.
///
/// # Errors
/// `TooLong`.
pub fn position_quote(return_data: &[u8]) -> Result<PositionQuote, QuoteError> {
    decode(return_data)
}

/// Decodes what `quote_liquidation` returned.
///
/// # Errors
/// `TooLong`.
pub fn liquidation_quote(return_data: &[u8]) -> Result<LiquidationQuote, QuoteError> {
    decode(return_data)
}

/// Decodes what `quote_lender` returned.
///
/// # Errors
/// `TooLong`.
pub fn lender_quote(return_data: &[u8]) -> Result<LenderQuote, QuoteError> {
    decode(return_data)
}

/// Decodes what `quote_lender_exposure` returned.
///
/// # Errors
/// `TooLong`.
pub fn lender_exposure_quote(return_data: &[u8]) -> Result<LenderExposureQuote, QuoteError> {
    decode(return_data)
}

/// Decodes what `quote_backstop_provider` returned.
///
/// # Errors
/// `TooLong`.
pub fn backstop_provider_quote(return_data: &[u8]) -> Result<BackstopProviderQuote, QuoteError> {
    decode(return_data)
}

/// Quotes are plain data without padding, so their encoding is their memory. Nodes strip trailing zeros from return data.
fn decode<T: Pod>(return_data: &[u8]) -> Result<T, QuoteError> {
    let mut quote = T::zeroed();
    let bytes = bytemuck::bytes_of_mut(&mut quote);
    let too_long = QuoteError::TooLong { found: return_data.len(), expected: bytes.len() };
    bytes.get_mut(..return_data.len()).ok_or(too_long)?.copy_from_slice(return_data);
    Ok(quote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::AnchorSerialize;

    fn encode(quote: &LiquidationQuote) -> Vec<u8> {
        let mut bytes = Vec::new();
        quote.serialize(&mut bytes).expect("encodes");
        bytes
    }

    #[test]
    fn a_quote_survives_its_encoding_and_the_loss_of_trailing_zeros() {
        let mut quote = LiquidationQuote { refusal: 6303, health_before_e9: 5, ..Default::default() };
        let bytes = encode(&quote);
        assert_eq!(bytes.len(), size_of::<LiquidationQuote>());
        let stripped = &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
        assert_eq!(liquidation_quote(stripped), Ok(quote));
        quote.debt_nano_usd = u64::MAX;
        assert_eq!(liquidation_quote(&encode(&quote)), Ok(quote));
        assert_eq!(liquidation_quote(&[0; 500]), Err(QuoteError::TooLong { found: 500, expected: bytes.len() }));
    }
}
