//! The chain in a box: time, accounts, and sending.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::{env, fs};

use anchor_lang::prelude::Pubkey;
use litesvm::LiteSVM;
use plimsoll_client::accounts::{Lender as LenderAccount, Market, Position, Reserve};
use plimsoll_client::instructions::{CreateMarket, CreateReserve};
use plimsoll_client::{address, compute_budget, Instruction, PROGRAM_ID};
use plimsoll_engine::state::{MarketPolicy, ReserveConfig, ORACLE_PYTH_PULL};
use solana_account::Account;
use solana_clock::Clock;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::invariants::History;
use crate::journal::Entry;
use crate::outcome::{Outcome, Receipt, Refused};
use crate::{policy, Borrower, Lender, Liquidator, Offering, Person, Price, Role, Spec, Token};

/// Largest serialized transaction. LiteSVM does not enforce it.
pub const TRANSACTION_BYTES_MAX: usize = 1_232;
/// Most account keys of a transaction. LiteSVM does not enforce it.
pub const KEYS_MAX: usize = 64;
/// Unix time at which a world begins.
pub const GENESIS_UNIX: i64 = 1_800_000_000;
/// Slot at which a world begins.
const GENESIS_SLOT: u64 = 1_000;
/// Most compute units of a transaction.
const COMPUTE_UNITS_MAX: u32 = 1_400_000;
const LAMPORTS: u64 = 1_000_000_000_000;

/// What [`World::tampering`] does to an instruction before it is sent.
type Tamper = Arc<dyn Fn(&mut Instruction) + Send + Sync>;

/// A chain with the program, a market, tokens and people. Cheap enough to clone for a "what if".
#[derive(Clone)]
pub struct World {
    /// The chain itself, for what this kit does not offer.
    pub svm: LiteSVM,
    pub(crate) loaded_as: fn(&[u8]) -> Vec<u8>,
    pub(crate) house: Person,
    /// Owner of the fee accounts.
    pub treasury: Person,
    /// Market in use.
    pub market: Pubkey,
    pub(crate) tokens: Vec<Token>,
    pub(crate) prices: BTreeMap<Pubkey, Price>,
    pub(crate) donations: BTreeMap<Pubkey, u128>,
    pub(crate) history: History,
    pub(crate) journal: Option<Vec<Entry>>,
    pub(crate) offering: Offering,
    pub(crate) tamper: Option<Tamper>,
    pub(crate) names: BTreeMap<Pubkey, String>,
    keys: u64,
}

/// The program as built from this source.
fn program_file() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/deploy/plimsoll.so");
        fs::read(&path).unwrap_or_else(|error| {
            panic!("the program is not built ({error}: target/deploy/plimsoll.so); run `cargo xtask build`")
        })
    })
}

impl World {
    /// A chain with the program, without a market.
    pub fn new() -> Self {
        Self::on(LiteSVM::new(), <[u8]>::to_vec)
    }

    /// The same on a chain of the caller's, for what has to be set before a program is loaded. `loaded_as` makes of a
    /// program's file what is put on the chain.
    pub fn on(mut svm: LiteSVM, loaded_as: fn(&[u8]) -> Vec<u8>) -> Self {
        svm.add_program(PROGRAM_ID, &loaded_as(program_file())).expect("the program loads");
        let mut clock: Clock = svm.get_sysvar();
        (clock.unix_timestamp, clock.slot) = (GENESIS_UNIX, GENESIS_SLOT);
        svm.set_sysvar(&clock);
        let nobody = Person(Arc::new(Keypair::new_from_array([0xff; 32])));
        let mut world = Self {
            svm,
            loaded_as,
            house: nobody.clone(),
            treasury: nobody,
            market: address::market(1),
            tokens: Vec::new(),
            prices: BTreeMap::new(),
            donations: BTreeMap::new(),
            history: History::default(),
            journal: None,
            offering: Offering::All,
            tamper: None,
            names: BTreeMap::new(),
            keys: 0,
        };
        world.house = world.person("house");
        world.treasury = world.person("treasury");
        world
    }

    /// A chain with the program and an empty market under [`policy`].
    pub fn with_market() -> Self {
        Self::with_policy(policy())
    }

    /// A chain with the program and an empty market under any policy.
    pub fn with_policy(policy: MarketPolicy) -> Self {
        let mut world = Self::new();
        world.create_market(1, policy).expect("a valid policy makes a market");
        world
    }

    /// Creates a market, and uses it from now on. The [admin](Self::admin) signs.
    ///
    /// # Errors
    /// The refusal.
    pub fn create_market(&mut self, id: u16, policy: MarketPolicy) -> Outcome {
        self.create_market_of(id, policy, false)
    }

    /// The same, of a market that its launch makes immutable or does not.
    ///
    /// # Errors
    /// The refusal.
    pub fn create_market_of(&mut self, id: u16, policy: MarketPolicy, immutable: bool) -> Outcome {
        let (admin, treasury) = (self.house.address(), self.treasury.address());
        let receipt = self.act(CreateMarket { admin, id, policy, treasury, immutable }.instruction(), &self.admin())?;
        self.market = address::market(id);
        self.name(self.market, "market");
        Ok(receipt)
    }

    /// Adds a token to the market: mint, feed with a price published now, reserve.
    #[track_caller]
    pub fn add(&mut self, spec: Spec) -> Token {
        let (token, outcome) = self.try_add(spec);
        outcome.expect("a valid configuration makes a reserve");
        token
    }

    /// Like [`Self::add`]; the reserve's creation may be refused.
    pub fn try_add(&mut self, spec: Spec) -> (Token, Outcome) {
        let (name, number, decimals, kind) = (spec.name.clone(), spec.price.clone(), spec.decimals, spec.kind);
        let mint = self.create_mint(decimals, kind);
        let mut config = spec.into_config();
        let price = self.fresh_address();
        let oracle_kind = u8::try_from(config.oracle_kind).unwrap_or(u8::MAX);
        let is_pull = oracle_kind == ORACLE_PYTH_PULL;
        let oracle = if is_pull { self.fresh_address() } else { price }.to_bytes();
        if config.oracle == [0; 32] {
            config.oracle = oracle;
        }
        let reserve = address::reserve(&self.market, &mint);
        let token = Token { name: name.into(), mint, decimals, kind, reserve, oracle_kind, price, oracle };
        self.set_price(&token, &number);
        let outcome = self.create_reserve(&token, config);
        (token, outcome)
    }

    /// Creates the reserve of a token with a published price. The [admin](Self::admin) signs.
    ///
    /// # Errors
    /// The refusal.
    pub fn create_reserve(&mut self, token: &Token, config: ReserveConfig) -> Outcome {
        let create = CreateReserve {
            admin: self.house.address(),
            market: self.market,
            mint: token.mint,
            token_program: token.kind.program(),
            price: token.price,
            config,
        };
        let receipt = self.act(create.instruction(), &self.admin())?;
        self.name(token.reserve, &format!("{} reserve", token.name));
        self.tokens.push(token.clone());
        Ok(receipt)
    }

    /// Admin of the market.
    pub fn admin(&self) -> Person {
        self.house.clone()
    }

    /// Somebody new with lamports.
    pub fn person(&mut self, part: &str) -> Person {
        let keypair = Arc::new(self.fresh_keypair());
        let person = Person(keypair);
        self.svm.airdrop(&person.address(), LAMPORTS).expect("an airdrop");
        self.name(person.address(), part);
        person
    }

    /// A new lender.
    pub fn lender(&mut self) -> Lender {
        Lender(self.person("lender"))
    }

    /// A new liquidator.
    pub fn liquidator(&mut self) -> Liquidator {
        Liquidator(self.person("liquidator"))
    }

    /// A new borrower with an empty position.
    pub fn borrower(&mut self) -> Borrower {
        let borrower = Borrower { person: self.person("borrower"), id: 0 };
        self.open_position(&borrower).expect("a new position opens");
        borrower
    }

    /// Skips keys until the next one made is to somebody's taste: one from which addresses follow at their first bump,
    /// so that finding them costs the same in every world.
    pub fn skip_keys_until(&mut self, suits: impl Fn(&Pubkey) -> bool) {
        while !suits(&Self::keypair(self.keys + 1).pubkey()) {
            self.keys += 1;
        }
    }

    /// A key pair nobody used before; the same ones in every run.
    pub(crate) fn fresh_keypair(&mut self) -> Keypair {
        self.keys += 1;
        Self::keypair(self.keys)
    }

    fn keypair(number: u64) -> Keypair {
        let mut seed = [0x70; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        Keypair::new_from_array(seed)
    }

    /// Gives an address a name, for messages.
    pub(crate) fn name(&mut self, address: Pubkey, name: &str) {
        self.names.insert(address, name.to_owned());
    }

    /// Name of an address, or the address.
    pub fn name_of(&self, address: &Pubkey) -> String {
        self.names.get(address).cloned().unwrap_or_else(|| address.to_string())
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.svm.get_sysvar()
    }

    /// Unix time now, seconds.
    pub fn unix(&self) -> i64 {
        self.clock().unix_timestamp
    }

    /// The engine's notion of now.
    pub fn now(&self) -> plimsoll_engine::Now {
        let clock = self.clock();
        plimsoll_engine::Now { unix: clock.unix_timestamp, slot: clock.slot }
    }

    /// Lets seconds pass, at five slots every two seconds. Prices grow older.
    pub fn advance(&mut self, secs: i64) {
        let slots = u64::try_from(secs).expect("time moves forward") * 5 / 2;
        self.advance_clock(secs, slots);
    }

    /// Lets slots pass without a second.
    pub fn advance_slots(&mut self, slots: u64) {
        self.advance_clock(0, slots);
    }

    fn advance_clock(&mut self, secs: i64, slots: u64) {
        let mut clock = self.clock();
        clock.unix_timestamp += secs;
        clock.slot += slots;
        self.svm.set_sysvar(&clock);
    }

    /// Lets seconds pass, with every price published again at the end.
    pub fn advance_with_prices(&mut self, secs: i64) {
        self.advance(secs);
        self.refresh_prices();
    }

    /// Lets the cool-off of a position pass.
    pub fn pass_cool_off(&mut self) {
        self.advance_slots(26);
    }

    /// Writes an account's raw bytes.
    pub fn put_account(&mut self, address: Pubkey, owner: Pubkey, data: Vec<u8>) {
        let lamports = self.svm.minimum_balance_for_rent_exemption(data.len());
        let account = Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX };
        self.svm.set_account(address, account).expect("an account");
    }

    /// Sends instructions in one transaction, after a compute limit and a compute price. The first signer pays.
    /// Sizes are asserted: at most [`TRANSACTION_BYTES_MAX`] bytes and [`KEYS_MAX`] keys.
    ///
    /// # Errors
    /// The refusal.
    #[track_caller]
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&dyn Role]) -> Outcome {
        let (transaction, bytes, keys) = self.transaction(instructions, signers);
        let meta = self.svm.send_transaction(transaction).map_err(Refused::new)?;
        let receipt = Receipt::new(meta, instructions, bytes, keys);
        let signed: Vec<Pubkey> = signers.iter().map(|role| role.address()).collect();
        self.remember(&receipt, &signed);
        self.enter(instructions, &receipt);
        Ok(receipt)
    }

    /// Runs instructions without changing anything.
    ///
    /// # Errors
    /// The refusal.
    #[track_caller]
    pub fn simulate(&mut self, instructions: &[Instruction], signers: &[&dyn Role]) -> Outcome {
        let (transaction, bytes, keys) = self.transaction(instructions, signers);
        let info = self.svm.simulate_transaction(transaction).map_err(Refused::new)?;
        Ok(Receipt::new(info.meta, instructions, bytes, keys))
    }

    #[track_caller]
    fn transaction(&mut self, instructions: &[Instruction], signers: &[&dyn Role]) -> (Transaction, usize, usize) {
        let mut all = vec![compute_budget::unit_limit(COMPUTE_UNITS_MAX), compute_budget::unit_price(1)];
        all.extend_from_slice(instructions);
        self.svm.expire_blockhash();
        let keypairs: Vec<&Keypair> = signers.iter().map(|role| role.keypair()).collect();
        let payer = signers.first().expect("somebody pays").address();
        let message = Message::new(&all, Some(&payer));
        let bytes = 1 + 64 * usize::from(message.header.num_required_signatures) + message.serialize().len();
        let keys = message.account_keys.len();
        assert!(bytes <= TRANSACTION_BYTES_MAX, "transaction has {bytes} bytes, more than {TRANSACTION_BYTES_MAX}");
        assert!(keys <= KEYS_MAX, "transaction has {keys} account keys, more than {KEYS_MAX}");
        (Transaction::new(&keypairs, message, self.svm.latest_blockhash()), bytes, keys)
    }

    /// Sends one instruction of a role, after [`Self::tampering`].
    ///
    /// # Errors
    /// The refusal.
    #[track_caller]
    pub fn act(&mut self, mut instruction: Instruction, role: &dyn Role) -> Outcome {
        if let Some(tamper) = self.tamper.clone() {
            tamper(&mut instruction);
        }
        self.send(&[instruction], &[role])
    }

    /// Sends what cannot fail, at the house's expense.
    #[track_caller]
    pub(crate) fn must_send(&mut self, instructions: &[Instruction]) {
        let house = self.house.clone();
        self.send(instructions, &[&house]).expect("the setting of the story");
    }

    /// Runs an action with its instruction edited just before it is sent: another account, a missing flag, other data.
    pub fn tampering<T>(
        &mut self,
        edit: impl Fn(&mut Instruction) + Send + Sync + 'static,
        action: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.tamper.replace(Arc::new(edit));
        let result = action(self);
        self.tamper = before;
        result
    }

    /// Like [`Self::tampering`], until [`Self::end_tampering`].
    pub fn begin_tampering(&mut self, edit: impl Fn(&mut Instruction) + Send + Sync + 'static) {
        self.tamper = Some(Arc::new(edit));
    }

    /// Instructions are sent as they are from here on.
    pub fn end_tampering(&mut self) {
        self.tamper = None;
    }

    /// Every token of the market, in order of creation.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// A token's reserve.
    #[track_caller]
    pub fn reserve(&self, token: &Token) -> Reserve {
        self.fetch(token.reserve, Reserve::decode_owned)
    }

    /// A borrower's position.
    #[track_caller]
    pub fn position(&self, borrower: &Borrower) -> Position {
        self.fetch(self.position_address(borrower), Position::decode_checked)
    }

    /// Address of a borrower's position.
    pub fn position_address(&self, borrower: &Borrower) -> Pubkey {
        address::position(&self.market, &borrower.address(), borrower.id)
    }

    /// Somebody's lender account.
    #[track_caller]
    pub fn lender_account(&self, role: &impl Role, token: &Token) -> LenderAccount {
        self.fetch(address::lender(&token.reserve, &role.address()), LenderAccount::decode_owned)
    }

    /// The market in use.
    #[track_caller]
    pub fn market_account(&self) -> Market {
        self.fetch(self.market, Market::decode_owned)
    }

    /// Whether there is an account.
    pub fn exists(&self, address: &Pubkey) -> bool {
        self.svm.get_account(address).is_some_and(|account| account.lamports > 0)
    }

    #[track_caller]
    pub(crate) fn fetch<T, E: std::fmt::Display>(
        &self,
        address: Pubkey,
        decode: impl Fn(Pubkey, &Pubkey, &[u8]) -> Result<T, E>,
    ) -> T {
        let name = self.name_of(&address);
        let account = self.svm.get_account(&address).unwrap_or_else(|| panic!("there is no account {name}"));
        decode(address, &account.owner, &account.data).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
