//! A chain in a box as a migration sees it, with the tokens and prices of the example.

pub use anyhow::Result;
use plimsoll_client::accounts::{Backstop, Market, Proposal, Reserve};
pub use plimsoll_client::{address, Pubkey, PROGRAM_ID};
pub use plimsoll_engine::governance::Parameter;
use plimsoll_engine::state::{BackstopState, MarketState, ProposalState, ReserveState};
use plimsoll_engine::Now;
use plimsoll_migrate::apply::apply;
use plimsoll_migrate::chain::{Account, Chain};
pub use plimsoll_migrate::file::File;
pub use plimsoll_migrate::plan::plan;
use plimsoll_testkit::prelude::*;
pub use plimsoll_testkit::prelude::{Instruction, Person, Role};

pub const LOCALNET: &str = include_str!("../../../migrations/localnet.toml");
/// Where it lies: paths in it are seen from there.
pub const NAME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/localnet.toml");
/// Delay and life of proposals there, seconds.
pub const DELAY: i64 = 172_800;
pub const LIFE: i64 = 259_200;
pub const USDC_MINT: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
const SOL_MINT: &str = "So11111111111111111111111111111111111111112";

/// A copy of the example, line by line.
#[derive(Clone)]
pub struct Text(Vec<String>);

impl Text {
    pub fn example() -> Self {
        Self(LOCALNET.lines().map(str::to_owned).collect())
    }

    /// With the `nth` line that begins with a key replaced.
    #[track_caller]
    pub fn with(mut self, nth: usize, key: &str, line: &str) -> Self {
        let mut of_key = self.0.iter_mut().filter(|line| line.starts_with(key));
        *of_key.nth(nth).expect("the line") = line.to_owned();
        self
    }

    /// Up to the `nth` line that begins with a key.
    #[track_caller]
    pub fn until(mut self, nth: usize, key: &str) -> Self {
        let found = self.0.iter().enumerate().filter(|(_, line)| line.starts_with(key)).nth(nth);
        let at = found.expect("the line").0;
        self.0.truncate(at);
        self
    }

    #[track_caller]
    pub fn file(&self) -> File {
        File::read(NAME, &self.0.join("\n")).expect("a readable file")
    }
}

/// The example itself.
pub fn example() -> File {
    Text::example().file()
}

/// A world as a migration sees it, with what its file names: mints and prices.
#[derive(Clone)]
pub struct Site {
    pub world: World,
    pub signer: Person,
    tokens: Vec<Token>,
    /// Instructions sent so far.
    pub sent: usize,
    /// After so many, the line breaks.
    pub sends_max: usize,
    /// Takes what is sent, and does nothing.
    pub is_deaf: bool,
}

impl Chain for Site {
    fn signer(&self) -> Pubkey {
        self.signer.address()
    }

    fn now(&self) -> Result<Now> {
        Ok(self.world.now())
    }

    fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Option<Account>>> {
        let read = |address| self.world.svm.get_account(address).filter(|account| account.lamports > 0);
        let account = |found: solana_account::Account| Account { owner: found.owner, data: found.data };
        Ok(addresses.iter().map(|address| read(address).map(account)).collect())
    }

    fn send(&mut self, instruction: &Instruction) -> Result<String> {
        anyhow::ensure!(self.sent < self.sends_max, "the line is broken");
        if self.is_deaf {
            return Ok("lost".into());
        }
        let signer = self.signer.clone();
        let sent = self.world.send(std::slice::from_ref(instruction), &[&signer]);
        sent.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
        self.sent += 1;
        Ok(format!("transaction {}", self.sent))
    }

    fn deploy(&mut self, program: &[u8], _keypair: &std::path::Path) -> Result<String> {
        anyhow::ensure!(self.sent < self.sends_max, "the line is broken");
        self.world.svm.add_program(PROGRAM_ID, program)?;
        self.sent += 1;
        Ok("deployed".into())
    }
}

impl Site {
    pub fn new() -> Self {
        let mut world = World::new();
        let signer = world.admin();
        let file = example();
        let mut tokens = Vec::new();
        for (reserve, decimals) in file.reserves.iter().zip([9, 6]) {
            let mint = reserve.mint.value;
            let mut data = vec![0; 82];
            (data[44], data[45]) = (decimals, 1);
            world.put_account(mint, anchor_spl::token::ID, data);
            tokens.push(Token {
                name: reserve.name.as_str().into(),
                mint,
                decimals,
                kind: Kind::Spl,
                reserve: address::reserve(&address::market(1), &mint),
                oracle_kind: 0,
                price: reserve.price_account.value,
                oracle: reserve.oracle.value,
            });
        }
        let mut site = Self { world, signer, tokens, sent: 0, sends_max: usize::MAX, is_deaf: false };
        site.publish();
        site
    }

    /// The example carried out.
    pub fn with_market() -> Self {
        let mut site = Self::new();
        site.apply(&example()).expect("the example");
        site.sent = 0;
        site
    }

    /// Publishes both prices as of now.
    pub fn publish(&mut self) {
        for (token, dollars) in self.tokens.clone().iter().zip(["150", "1"]) {
            self.world.publish(token, Price::calm(dollars, self.world.unix()));
        }
    }

    /// Lets time pass, with new prices at its end.
    pub fn advance(&mut self, secs: i64) {
        self.world.advance(secs);
        self.publish();
    }

    /// What a file plans here, in lines.
    pub fn planned(&self, file: &File) -> Vec<String> {
        plan(file, self).expect("a plan").lines()
    }

    /// Plans and carries out. Returns the lines of what waits.
    pub fn apply(&mut self, file: &File) -> Result<Vec<String>> {
        let plan = plan(file, self)?;
        Ok(apply(file, self, &plan, |_, _| {})?.lines())
    }

    /// What is refused, in words, with nothing sent.
    #[track_caller]
    pub fn refused(&mut self, text: &Text) -> String {
        let before = self.sent;
        let refused = self.apply(&text.file()).expect_err("refused").to_string();
        assert_eq!(self.sent, before);
        refused.replace(NAME, "m.toml")
    }

    fn account(&self, address: Pubkey) -> Option<Account> {
        Chain::account(self, &address).expect("a chain")
    }

    pub fn market(&self) -> MarketState {
        let (address, account) = (address::market(1), self.account(address::market(1)).expect("a market"));
        Market::decode_owned(address, &account.owner, &account.data).expect("a market").state
    }

    /// The reserve of SOL, 0, or USDC, 1.
    pub fn reserve(&self, index: usize) -> ReserveState {
        let address = self.tokens[index].reserve;
        let account = self.account(address).expect("a reserve");
        Reserve::decode_owned(address, &account.owner, &account.data).expect("a reserve").state
    }

    pub fn backstop(&self) -> BackstopState {
        let address = address::backstop(&self.tokens[1].reserve, 0);
        let account = self.account(address).expect("a backstop");
        Backstop::decode_owned(address, &account.owner, &account.data).expect("a backstop").state
    }

    /// The proposal for a parameter of SOL's reserve.
    pub fn proposal(&self, parameter: Parameter) -> Option<ProposalState> {
        let address = address::proposal(&self.tokens[0].reserve, parameter);
        let account = self.account(address)?;
        Some(Proposal::decode_owned(address, &account.owner, &account.data).expect("a proposal").state)
    }

    /// Market, reserves and backstop: everything the example makes.
    pub fn everything(&self) -> (MarketState, [ReserveState; 2], BackstopState) {
        (self.market(), [self.reserve(0), self.reserve(1)], self.backstop())
    }
}

/// The same address, as text and as the file's tokens have it.
pub fn mints() -> [Pubkey; 2] {
    [SOL_MINT, USDC_MINT].map(|mint| mint.parse().expect("an address"))
}
