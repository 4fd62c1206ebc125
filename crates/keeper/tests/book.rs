//! The book against the engine: what it says of a health is the engine's, and its screen misses nobody.

use plimsoll_client::accounts::{Account, Market, Position, Reserve};
use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::{Factor, Word128};
use plimsoll_engine::interest::INDEX_ONE;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{MarketState, PositionState, ReserveState, LAYOUT_VERSION};
use plimsoll_engine::transitions::configure_reserve;
use plimsoll_engine::Now;
use plimsoll_keeper::book::{Book, Offered, Taken, Update};
use plimsoll_keeper::scene::Old;
use plimsoll_testkit::prelude::*;
use proptest::prelude::*;

const START: Now = Now { unix: 1_800_000_000, slot: 1_000 };
const RESERVES: usize = 4;

fn key(kind: u8, number: usize) -> Pubkey {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Pubkey::new_from_array(bytes)
}

fn market() -> Market {
    let mut state: MarketState = bytemuck::Zeroable::zeroed();
    (state.version, state.policy) = (LAYOUT_VERSION, policy());
    Account { address: key(1, 0), state }
}

fn reading(cents: u64, now: &Now) -> Reading {
    let price = cents * 1_000_000;
    let publish_time = now.unix;
    Reading {
        price,
        confidence: price / 2_000,
        average: price,
        publish_time,
        slot: now.slot,
        exponent: -8,
        reserved: [0; 3],
    }
}

fn reserve(number: usize, cents: u64) -> Reserve {
    let mut state: ReserveState = bytemuck::Zeroable::zeroed();
    state.decimals = 9;
    state.market = key(1, 0).to_bytes();
    state.mint = key(3, number).to_bytes();
    let config = volatile(9);
    configure_reserve(&mut state, &config, &policy(), &reading(cents, &START), &START).expect("a valid configuration");
    // Somebody owes and something is left to lend, so that interest runs.
    state.debt_shares = Word128::new(900_000_000_000_000u128 << 32);
    state.cash_atoms = 100_000_000_000_000;
    assert_eq!(state.debt_index.get(), INDEX_ONE);
    Account { address: key(2, number), state }
}

/// A position: atoms of each of the first tokens, shares of each of the others, called already or not, with an order or not.
#[derive(Clone, Debug)]
struct Drawn {
    atoms: [u64; 2],
    debts: [u64; 2],
    is_called: bool,
    order_bps: u64,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let atoms = prop_oneof![Just(0u64), 1_000_000_000..20_000_000_000u64];
    // Of collateral worth one: owed from half to all.
    let part = prop_oneof![Just(0u64), 1_000..12_000u64];
    (
        prop::array::uniform2(atoms),
        prop::array::uniform2(part),
        any::<bool>(),
        prop_oneof![Just(0u64), 10_100..10_400u64],
    )
        .prop_map(|(atoms, parts, is_called, order_bps)| {
            let all: u64 = atoms.iter().sum();
            let debts =
                parts.map(|part| u64::try_from(u128::from(all) * u128::from(part) / 20_000).expect("less than all"));
            Drawn { atoms, debts, is_called, order_bps }
        })
}

fn position(number: usize, drawn: &Drawn) -> Position {
    let mut state: PositionState = bytemuck::Zeroable::zeroed();
    (state.version, state.market, state.owner) = (LAYOUT_VERSION, key(1, 0).to_bytes(), key(5, number).to_bytes());
    for (token, atoms) in drawn.atoms.iter().enumerate().filter(|(_, atoms)| **atoms > 0) {
        let slot = &mut state.collaterals[usize::from(state.collateral_count)];
        (slot.reserve, slot.atoms) = (key(2, token).to_bytes(), *atoms);
        state.collateral_count += 1;
    }
    for (token, atoms) in drawn.debts.iter().enumerate().filter(|(_, atoms)| **atoms > 0) {
        let slot = &mut state.debts[usize::from(state.debt_count)];
        (slot.reserve, slot.shares) = (key(2, 2 + token).to_bytes(), Word128::new(u128::from(*atoms) << 32));
        state.debt_count += 1;
    }
    state.called_at = i64::from(drawn.is_called);
    state.protection_trigger_bps = drawn.order_bps;
    Account { address: key(4, number), state }
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A token's price becomes so many hundredths of a percent of what it was, after some seconds.
    Price { token: usize, part: u64, secs: i64 },
    /// Time passes.
    Time { secs: i64 },
    /// A position is another.
    Position { number: usize, drawn: Drawn },
    /// The terms of a token tighten, as a step of governance does.
    Terms { token: usize, depth_part: u64, impact_more: u64 },
    /// Somebody notices that a price is old.
    Notice { token: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let token = 0..RESERVES;
    prop_oneof![
        // Small moves, the usual ones, stay within what is not carried to the positions; large ones do not.
        4 => (token.clone(), 9_960..10_040u64, 0..30i64).prop_map(|(token, part, secs)| Event::Price { token, part, secs }),
        3 => (token.clone(), 8_500..11_500u64, 0..600i64).prop_map(|(token, part, secs)| Event::Price { token, part, secs }),
        2 => prop_oneof![0..60i64, 60..7_200i64].prop_map(|secs| Event::Time { secs }),
        2 => (0..40usize, drawn()).prop_map(|(number, drawn)| Event::Position { number, drawn }),
        1 => (token.clone(), 9_900..10_000u64, 0..30u64)
            .prop_map(|(token, depth_part, impact_more)| Event::Terms { token, depth_part, impact_more }),
        1 => token.prop_map(|token| Event::Notice { token }),
    ]
}

/// A market played beside the book, judged by the engine alone.
struct Mirror {
    now: Now,
    slot: u64,
    cents: [u64; RESERVES],
    reserves: Vec<Reserve>,
    positions: Vec<Option<Position>>,
    book: Book,
}

impl Mirror {
    fn new(all: &[Drawn]) -> Self {
        let cents = [10_000; RESERVES];
        let reserves: Vec<Reserve> = (0..RESERVES).map(|number| reserve(number, cents[number])).collect();
        let mut book = Book::new(market().address);
        let positions: Vec<Option<Position>> =
            all.iter().enumerate().map(|(number, drawn)| Some(position(number, drawn))).collect();
        // Positions before what they are made of: an order that a subscription may bring.
        for position in positions.iter().flatten() {
            assert_eq!(book.position(position, 1), Taken::Position);
        }
        assert_eq!(book.market(&market(), 1), Taken::Market);
        for reserve in &reserves {
            assert_eq!(book.reserve(reserve, 1, &START), Taken::Reserve);
        }
        Self { now: START, slot: 1, cents, reserves, positions, book }
    }

    /// Plays an event. Returns what the book says must be looked at, and the token it was about.
    fn play(&mut self, event: &Event) -> (Vec<Pubkey>, Option<usize>) {
        self.slot += 1;
        match event {
            Event::Price { token, part, secs } => {
                self.now.unix += secs + 1;
                self.cents[*token] = (self.cents[*token] * part / 10_000).max(1);
                let reading = reading(self.cents[*token], &self.now);
                let price = key(6, *token);
                let due = self.book.price(&key(2, *token), Offered { reading, price }, &self.now);
                (due, Some(*token))
            }
            Event::Time { secs } => {
                self.now.unix += secs;
                (self.book.tick(&self.now), None)
            }
            Event::Position { number, drawn } => {
                let next = position(*number, drawn);
                if self.positions.len() <= *number {
                    self.positions.resize(number + 1, None);
                }
                assert_eq!(self.book.position(&next, self.slot), Taken::Position);
                self.positions[*number] = Some(next);
                (self.book.tick(&self.now), None)
            }
            Event::Terms { token, depth_part, impact_more } => {
                let risk = &mut self.reserves[*token].state.risk;
                risk.depth_atoms = risk.depth_atoms / 10_000 * depth_part;
                risk.impact_sqrt_bps = (risk.impact_sqrt_bps + impact_more).min(40_000);
                self.reserve(*token)
            }
            Event::Notice { token } => {
                let _ = self.reserves[*token].state.notice_stale(&self.now);
                self.reserve(*token)
            }
        }
    }

    fn reserve(&mut self, token: usize) -> (Vec<Pubkey>, Option<usize>) {
        assert_eq!(self.book.reserve(&self.reserves[token], self.slot, &self.now), Taken::Reserve);
        (self.book.tick(&self.now), None)
    }

    /// The engine's health of a position, by its own legs.
    fn health(&self, position: &Position) -> Factor {
        let scene = self.book.scene(&position.address, self.now).expect("a known position");
        assert_eq!(scene.position.state, position.state);
        scene.exposure(Old::Fade, None).expect("a position of the program").health()
    }

    fn check(&self, due: &[Pubkey], token: Option<usize>) {
        for position in self.positions.iter().flatten() {
            let health = self.health(position);
            assert_eq!(self.book.health(&position.address), Some(health), "to the unit");
            let call = Factor::from_bps_ceil(policy().call_level_bps);
            let is_called_for = position.state.called_at == 0 && health < call;
            let by_order = health < Factor::from_bps_ceil(position.state.protection_trigger_bps);
            let must = position.state.has_debt() && (health < Factor::ONE || is_called_for || by_order);
            let holds = token.is_none_or(|token| position.legs().any(|leg| leg == key(2, token)));
            assert_eq!(due.contains(&position.address), must && holds, "{health:?} {position:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_screen_finds_exactly_those_that_the_engine_finds(
        all in prop::collection::vec(drawn(), 1..24),
        events in prop::collection::vec(event(), 1..24),
    ) {
        let mut mirror = Mirror::new(&all);
        let due = mirror.book.tick(&mirror.now);
        mirror.check(&due, None);
        for event in &events {
            let (due, token) = mirror.play(event);
            mirror.check(&due, token);
        }
    }
}

/// Whoever is deep below his threshold is named without being looked at, until he may have come up.
#[test]
fn those_deep_below_come_up_with_the_price_and_go_down_again() {
    let drawn = |debt: u64| Drawn { atoms: [5_000_000_000, 0], debts: [debt, 0], is_called: false, order_bps: 0 };
    // From healthy to owing twice what the collateral is worth.
    let all: Vec<Drawn> = (0..24).map(|number| drawn(2_500_000_000 + number * 400_000_000)).collect();
    let mut mirror = Mirror::new(&all);
    let due = mirror.book.tick(&mirror.now);
    mirror.check(&due, None);
    assert!(due.len() > 12, "{}", due.len());
    let (mut least, mut most) = (due.len(), due.len());
    // Jumps first: nobody was looked at on the way.
    let jumps = [14_000, 13_000, 5_000, 12_000, 15_000, 5_000, 18_000, 6_000];
    for part in jumps.into_iter().chain(std::iter::repeat_n(10_100, 120)).chain(std::iter::repeat_n(9_900, 130)) {
        let (due, token) = mirror.play(&Event::Price { token: 0, part, secs: 0 });
        mirror.check(&due, token);
        (least, most) = (least.min(due.len()), most.max(due.len()));
    }
    assert!(least < 6 && most > 18, "{least} {most}");
}

fn bytes<T: plimsoll_client::accounts::AccountState>(account: &Account<T>) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(&account.state)].concat()
}

#[test]
fn what_was_seen_in_an_older_slot_is_ignored_whatever_it_is() {
    let drawn = Drawn { atoms: [5_000_000_000, 0], debts: [3_000_000_000, 0], is_called: false, order_bps: 0 };
    let mut mirror = Mirror::new(std::slice::from_ref(&drawn));
    let before = mirror.positions[0].clone().expect("a position");
    let mut after = before.clone();
    after.state.collaterals[0].atoms = 1;
    let owner = plimsoll_client::PROGRAM_ID;
    let update = |slot: u64, data: &[u8], book: &mut Book| {
        book.take(&Update { slot, address: before.address, owner, data }, &START).expect("an account of the program")
    };
    let book = &mut mirror.book;
    assert_eq!(update(9, &bytes(&after), book), Taken::Position);
    assert_eq!(update(8, &bytes(&before), book), Taken::Older);
    assert_eq!(update(8, &[], book), Taken::Older, "a close that came late");
    assert_eq!(book.scene(&before.address, START).map(|scene| scene.position.state), Some(after.state));
    assert_eq!(update(10, &[], book), Taken::Position);
    assert_eq!(book.counts().positions, 0);
    assert_eq!(update(9, &bytes(&after), book), Taken::Older, "and nothing comes back from before the close");
    assert_eq!(update(11, &bytes(&before), book), Taken::Position, "but opened anew it does");
    assert_eq!(book.position_slot(&before.address), Some(11));

    // Endpoints count slots each in its own way; the program counts the states.
    let mut next = before.clone();
    next.state.sequence += 1;
    assert_eq!(update(5, &bytes(&next), book), Taken::Position, "a later state of an older slot");
    assert_eq!(book.position_slot(&before.address), Some(11), "which is as young as what was known before");
    assert_eq!(book.position_sequence(&before.address), Some(next.state.sequence));
    assert_eq!(update(11 + 32, &bytes(&before), book), Taken::Older, "an earlier state of a slot not much younger");
    assert_eq!(update(11 + 33, &bytes(&before), book), Taken::Position, "of a much younger one it began anew");

    let mut reserve = mirror.reserves[0].clone();
    reserve.state.sequence += 1;
    let moved = Update { slot: 0, address: reserve.address, owner, data: &bytes(&reserve) };
    assert_eq!(book.take(&moved, &START), Ok(Taken::Reserve));
    reserve.state.decimals = 6;
    let late = Update { slot: 0, address: reserve.address, owner, data: &bytes(&reserve) };
    assert_eq!(book.take(&late, &START), Ok(Taken::Older));
    let offered = Offered { reading: reading(9_000, &START), price: key(6, 0) };
    assert!(book.price(&reserve.address, offered, &START).is_empty(), "no newer than what the reserve keeps");
    assert_eq!(book.offer(&reserve.address), None);
}
