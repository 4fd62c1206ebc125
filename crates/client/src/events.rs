//! Events, decoded from the program's calls to itself (the wire format of `emit_cpi!`).

use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::{AnchorDeserialize, Discriminator};

pub use plimsoll::events::*;

/// Why the data of an inner instruction is no event of this client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not an event at all.
    #[error("inner instruction is no event: its first eight bytes are not Anchor's event tag")]
    NotAnEvent,
    /// An event this client does not know.
    #[error("event {discriminator:02x?} is unknown to this client; update the client")]
    Unknown {
        /// Its discriminator.
        discriminator: [u8; 8],
    },
    /// An event whose fields do not fit.
    #[error("event `{name}` does not have the fields this client knows; update the client")]
    Malformed {
        /// Name of the event.
        name: &'static str,
    },
}

macro_rules! events {
    ($($name:ident),* $(,)?) => {
        /// Any event of the program.
        #[allow(missing_docs)] // Each is documented where it is defined.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $($name($name),)*
        }

        impl Event {
            /// Name of the event.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn decode_body(discriminator: [u8; 8], body: &[u8]) -> Result<Self, EventError> {
                $(if $name::DISCRIMINATOR == discriminator {
                    let malformed = |_| EventError::Malformed { name: stringify!($name) };
                    return $name::try_from_slice(body).map(Self::$name).map_err(malformed);
                })*
                Err(EventError::Unknown { discriminator })
            }
        }
    };
}

events!(
    MarketCreated,
    ActionPaused,
    ReserveCreated,
    ReservesRefreshed,
    StalePriceNoticed,
    SupplyChanged,
    InsuranceFunded,
    RecoveryRepaid,
    RecoveryClaimed,
    FlashBorrowed,
    FlashRepaid,
    FeesCollected,
    AccountChanged,
    CollateralChanged,
    DebtChanged,
    MarginCalled,
    PositionFlagged,
    FlagCleared,
    ProtectionOrderSet,
    PositionLiquidated,
    DefaultMarked,
    DefaultSettled,
    BackstopCreated,
    BackstopCollateralSet,
    BackstopDepositChanged,
    BackstopGainClaimed,
    PositionAbsorbed,
    ParameterChanged,
    ParameterProposed,
    DepthConfirmed,
    ProposalCancelled,
    RoleAccepted,
    MarketLaunched,
);

impl Event {
    /// Decodes the data of an inner instruction.
    ///
    /// # Errors
    /// `NotAnEvent`, `Unknown`, `Malformed`.
    pub fn decode(data: &[u8]) -> Result<Self, EventError> {
        let rest = data.strip_prefix(EVENT_IX_TAG_LE).ok_or(EventError::NotAnEvent)?;
        let (discriminator, body) = rest.split_first_chunk::<8>().ok_or(EventError::NotAnEvent)?;
        Self::decode_body(*discriminator, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(event: &impl anchor_lang::Event) -> Vec<u8> {
        [EVENT_IX_TAG_LE, &event.data()].concat()
    }

    #[test]
    fn an_event_survives_its_encoding() {
        let event = FeesCollected { reserve: crate::Pubkey::default(), atoms: 1, sequence: 2, slot: 3 };
        let decoded = Event::decode(&wire(&event)).expect("an event");
        assert_eq!(decoded.name(), "FeesCollected");
        assert!(matches!(decoded, Event::FeesCollected(FeesCollected { atoms: 1, sequence: 2, slot: 3, .. })));
    }

    #[test]
    fn what_is_no_event_is_told_apart_from_what_is_unknown_or_cut_short() {
        let data = wire(&FeesCollected { reserve: crate::Pubkey::default(), atoms: 1, sequence: 2, slot: 3 });
        assert!(matches!(Event::decode(&data[1..]), Err(EventError::NotAnEvent)));
        assert!(matches!(Event::decode(&data[..30]), Err(EventError::Malformed { name: "FeesCollected" })));
        let unknown = [EVENT_IX_TAG_LE, &[1; 8]].concat();
        assert!(matches!(Event::decode(&unknown), Err(EventError::Unknown { .. })));
    }
}
