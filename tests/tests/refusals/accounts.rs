//! Every account of every instruction: replaced by another valid one, by one of another kind or owner, unsigned, read-only.

use super::common::*;
use super::legs::foreign;
use anchor_lang::error::ErrorCode;
use plimsoll_client::PROGRAM_ID;

const OTHER_OWNER: Pubkey = Pubkey::new_from_array([1; 32]);

/// The scene, unhealthy, beside everything that could be mistaken for a part of it.
struct Stage {
    scene: Scene,
    /// Other tokens of the market.
    eth: Token,
    usdt: Token,
    /// The scene's tokens in another market.
    foreign_sol: Token,
    foreign_usdc: Token,
    foreign_market: Pubkey,
    /// Somebody else with a position like the borrower's, healthy, and with lender accounts in USDC and USDT.
    other: Borrower,
    /// The borrower's position in the other market.
    foreign_position: Pubkey,
    /// A position of the borrower's without debt, with SOL counted from the time of its debt.
    free: Borrower,
    /// An empty position of the borrower's.
    empty: Borrower,
    /// A token without a reserve.
    unborn: (Token, plimsoll_engine::state::ReserveConfig),
    /// Pays for transactions, and signs nothing else.
    payer: Person,
}

impl Stage {
    fn new() -> Self {
        let mut scene = Scene::new();
        let (eth, usdt) = (scene.add(Spec::volatile("ETH", "3000")), scene.add(Spec::stable("USDT", "1")));
        let (sol, usdc, lender, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.lender.clone(), scene.borrower.clone());
        let world = &mut scene.world;
        world.supply(&lender, &usdt, usdt.atoms("1000")).expect("a supply");
        // Without shares.
        world.open_lender(&lender, &sol).expect("a lender account");
        let other = world.borrower();
        world.deposit(&other, &sol, sol.atoms("100")).expect("a deposit");
        world.borrow(&other, &usdc, usdc.atoms("100")).expect("a borrow");
        for token in [&usdc, &usdt] {
            world.open_lender(&other, token).expect("a lender account");
        }
        let (free, empty) = (borrower.numbered(1), borrower.numbered(2));
        world.open_position(&free).expect("a position");
        world.deposit(&free, &sol, sol.atoms("100")).expect("a deposit");
        world.borrow(&free, &usdc, usdc.atoms("100")).expect("a borrow");
        world.repay(&free, &usdc, u64::MAX).expect("a repayment");
        world.open_position(&empty).expect("a position");
        // So that nothing fails for want of tokens alone.
        world.donate(&lender, &sol, Vault::Liquidity, sol.atoms("1000"));
        world.donate(&borrower, &usdc, Vault::Collateral, usdc.atoms("10000"));
        // Interest, and with it fees to collect.
        world.advance_with_prices(86_400);
        world.repay(&borrower, &usdc, usdc.atoms("1")).expect("a repayment");
        let own = world.market;
        let unborn = scene.unborn(Spec::volatile("NEW", "10"));
        let (foreign_sol, foreign_usdc) = (foreign(&mut scene, &sol), foreign(&mut scene, &usdc));
        let foreign_market = address::market(2);
        scene.world.market = foreign_market;
        scene.world.open_position(&borrower).expect("a position");
        scene.world.market = own;
        let foreign_position = address::position(&foreign_market, &borrower.address(), 0);
        let payer = scene.world.person("payer");
        scene.price_sol("110");
        Self {
            scene,
            eth,
            usdt,
            foreign_sol,
            foreign_usdc,
            foreign_market,
            other,
            foreign_position,
            free,
            empty,
            unborn,
            payer,
        }
    }

    fn wallet(&self, role: &dyn Role, token: &Token) -> Pubkey {
        address::token_account(&role.address(), &token.mint, &token.kind.program())
    }

    /// Sends an instruction signed by whom it names, at the payer's expense.
    fn send(&mut self, instruction: &Instruction) -> Outcome {
        let scene = &self.scene;
        let (lender, borrower, liquidator) = (scene.lender.clone(), scene.borrower.clone(), scene.liquidator.clone());
        let (stranger, admin, payer) = (scene.stranger.clone(), scene.world.admin(), self.payer.clone());
        let people: [&dyn Role; 5] = [&lender, &borrower, &liquidator, &stranger, &admin];
        let mut signers: Vec<&dyn Role> = vec![&payer];
        let signs = |role: &&dyn Role| instruction.accounts.iter().any(|meta| meta.is_signer && meta.pubkey == role.address());
        signers.extend(people.into_iter().filter(signs));
        self.scene.world.send(std::slice::from_ref(instruction), &signers)
    }

    #[track_caller]
    fn refuses(&mut self, case: &str, expected: impl Into<Refusal>, instruction: &Instruction) {
        let before = self.scene.world.snapshot();
        let outcome = self.send(instruction);
        if let Some(difference) = differs(&outcome, &expected.into()) {
            panic!("{case}: {difference}");
        }
        before.assert_unchanged(&self.scene.world);
    }
}

/// What becomes of an instruction with another account in one's place.
enum Replaced {
    /// Refused with this error.
    Refused(&'static str, fn(&Stage) -> Pubkey, Refusal),
    /// Accepted: any such account will do.
    Accepted(&'static str, fn(&Stage) -> Pubkey),
}

fn no(name: &'static str, with: fn(&Stage) -> Pubkey, error: impl Into<Refusal>) -> Replaced {
    Replaced::Refused(name, with, error.into())
}

fn yes(name: &'static str, with: fn(&Stage) -> Pubkey) -> Replaced {
    Replaced::Accepted(name, with)
}

struct Case {
    name: &'static str,
    /// The instruction, which works as it stands.
    build: fn(&Stage) -> Instruction,
    /// Accounts that come to be.
    created: &'static [&'static str],
    /// Named accounts, in order, with what may be put in their place.
    accounts: Vec<(&'static str, Vec<Replaced>)>,
}

fn stranger(stage: &Stage) -> Pubkey {
    stage.scene.stranger.address()
}

fn spl_2022(_: &Stage) -> Pubkey {
    Kind::Token2022.program()
}

fn system(_: &Stage) -> Pubkey {
    anchor_lang::system_program::ID
}

fn foreign_market(stage: &Stage) -> Pubkey {
    stage.foreign_market
}

fn foreign_position(stage: &Stage) -> Pubkey {
    stage.foreign_position
}

fn other_position(stage: &Stage) -> Pubkey {
    stage.scene.world.position_address(&stage.other)
}

/// Accounts of a transfer between a user and a vault of SOL or USDC.
fn transfer(
    [wallet, vault, mint, program]: [&'static str; 4],
    is_liquidity: bool,
    pays: bool,
) -> Vec<(&'static str, Vec<Replaced>)> {
    let own_vault: fn(&Stage) -> Pubkey =
        if is_liquidity { |s| s.scene.usdc.vault(Vault::Liquidity) } else { |s| s.scene.sol.vault(Vault::Collateral) };
    let mut wallets = vec![
        no("a wallet of another token", |s| s.wallet(&s.scene.borrower, &s.eth), TOKEN_MINT_MISMATCH),
        no("the vault itself", own_vault, PlimsollError::SameAccount),
    ];
    let strangers: fn(&Stage) -> Pubkey = if is_liquidity {
        |s| s.wallet(&s.scene.stranger, &s.scene.usdc)
    } else {
        |s| s.wallet(&s.scene.stranger, &s.scene.sol)
    };
    if pays {
        let other_vault: fn(&Stage) -> Pubkey = if is_liquidity {
            |s| s.scene.usdc.vault(Vault::Collateral)
        } else {
            |s| s.scene.sol.vault(Vault::Liquidity)
        };
        wallets.push(no("the reserve's other vault", other_vault, TOKEN_OWNER_MISMATCH));
        wallets.push(no("a stranger's wallet", strangers, TOKEN_OWNER_MISMATCH));
    } else {
        wallets.push(yes("a stranger's wallet, to receive", strangers));
    }
    let vaults = if is_liquidity {
        vec![
            no("the collateral vault", |s| s.scene.usdc.vault(Vault::Collateral), PlimsollError::WrongVault),
            no("another reserve's vault", |s| s.usdt.vault(Vault::Liquidity), PlimsollError::WrongVault),
            no("another market's vault", |s| s.foreign_usdc.vault(Vault::Liquidity), PlimsollError::WrongVault),
            no("a stranger's wallet", |s| s.wallet(&s.scene.stranger, &s.scene.usdc), PlimsollError::WrongVault),
        ]
    } else {
        vec![
            no("the liquidity vault", |s| s.scene.sol.vault(Vault::Liquidity), PlimsollError::WrongVault),
            no("another reserve's vault", |s| s.eth.vault(Vault::Collateral), PlimsollError::WrongVault),
            no("another market's vault", |s| s.foreign_sol.vault(Vault::Collateral), PlimsollError::WrongVault),
            no("a stranger's wallet", |s| s.wallet(&s.scene.stranger, &s.scene.sol), PlimsollError::WrongVault),
        ]
    };
    vec![
        (wallet, wallets),
        (vault, vaults),
        (mint, vec![no("another mint", |s| s.eth.mint, PlimsollError::WrongMint)]),
        (program, vec![
            no("the other token program", spl_2022, PlimsollError::WrongTokenProgram),
            no("no token program", system, PlimsollError::WrongTokenProgram),
        ]),
    ]
}

/// What every instruction with an event ends with.
fn event() -> Vec<(&'static str, Vec<Replaced>)> {
    vec![
        ("event_authority", vec![no("a stranger", stranger, ErrorCode::ConstraintAddress)]),
        ("program", vec![no("another program", spl_2022, InstructionError::MissingAccount)]),
    ]
}

fn system_program() -> Vec<(&'static str, Vec<Replaced>)> {
    vec![("system_program", vec![no("another program", spl_2022, ErrorCode::InvalidProgramId)])]
}

/// Every instruction of the program.
fn cases() -> Vec<Case> {
    use PlimsollError::*;
    let join = |parts: Vec<Vec<(&'static str, Vec<Replaced>)>>| parts.into_iter().flatten().collect();
    let market = || ("market", vec![no("another market", foreign_market, WrongMarket)]);
    vec![
        Case {
            name: "liquidate",
            created: &[],
            build: |s| {
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.scene.borrower));
                let liquidate = ix::Liquidate {
                    liquidator: s.scene.liquidator.address(),
                    position,
                    seized: &world.reserve(&s.scene.sol),
                    repaid: &world.reserve(&s.scene.usdc),
                    liquidator_liquidity: None,
                    liquidator_collateral: None,
                    repay_max_atoms: u64::MAX,
                    seize_min_atoms: 0,
                    offers: &offers(s),
                };
                liquidate.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    ("liquidator", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    market(),
                    ("position", vec![
                        no("a healthy position", other_position, Healthy),
                        no("a position of another market", foreign_position, WrongMarket),
                        no("a position without debt", |s| s.scene.world.position_address(&s.free), SlotNotOpen),
                        no("an empty position", |s| s.scene.world.position_address(&s.empty), SlotNotOpen),
                    ]),
                    ("seized_reserve", vec![
                        no("another reserve", |s| s.eth.reserve, SlotNotOpen),
                        no("another market's reserve", |s| s.foreign_sol.reserve, SlotNotOpen),
                        no("the repaid reserve", |s| s.scene.usdc.reserve, SameAccount),
                    ]),
                    ("repaid_reserve", vec![
                        no("another reserve", |s| s.usdt.reserve, SlotNotOpen),
                        no("another market's reserve", |s| s.foreign_usdc.reserve, SlotNotOpen),
                        no("the seized reserve", |s| s.scene.sol.reserve, SameAccount),
                    ]),
                ],
                transfer(["liquidator_liquidity", "liquidity_vault", "liquidity_mint", "liquidity_token_program"], true, true),
                transfer(["liquidator_collateral", "collateral_vault", "collateral_mint", "collateral_token_program"], false, false),
                event(),
            ]),
        },
        Case {
            name: "borrow",
            created: &[],
            build: |s| {
                // The borrower is unhealthy; a free position borrows.
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.free));
                let (reserve, offers) = (&world.reserve(&s.scene.usdc), &offers(s));
                let borrow = ix::Borrow { position, reserve, owner_liquidity: None, amount_atoms: 10_000_000, offers };
                borrow.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    ("owner", vec![no("a stranger", stranger, NotOwner)]),
                    market(),
                    ("position", vec![
                        no("somebody else's position", other_position, NotOwner),
                        no("a position of another market", foreign_position, WrongMarket),
                        no("an unhealthy position", |s| s.scene.world.position_address(&s.scene.borrower), InitialHealthTooLow),
                        no("an empty position", |s| s.scene.world.position_address(&s.empty), OfferMismatch),
                    ]),
                    ("reserve", vec![
                        no("another reserve", |s| s.usdt.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                    ]),
                ],
                transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, false),
                event(),
            ]),
        },
        Case {
            name: "repay",
            created: &[],
            build: |s| {
                let (payer, position) = (s.scene.borrower.address(), s.scene.world.position_address(&s.scene.borrower));
                let reserve = &s.scene.world.reserve(&s.scene.usdc);
                ix::Repay { payer, position, reserve, payer_liquidity: None, amount_atoms_max: 1_000 }.instruction()
            },
            accounts: join(vec![
                vec![
                    ("payer", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    ("position", vec![
                        yes("somebody else's position", other_position),
                        no("a position of another market", foreign_position, WrongMarket),
                        no("a position without debt", |s| s.scene.world.position_address(&s.free), SlotNotOpen),
                    ]),
                    ("reserve", vec![
                        no("another reserve", |s| s.usdt.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                    ]),
                ],
                transfer(["payer_liquidity", "liquidity_vault", "mint", "token_program"], true, true),
                event(),
            ]),
        },
        Case {
            name: "deposit_collateral",
            created: &[],
            build: |s| {
                let (depositor, position) = (s.scene.borrower.address(), s.scene.world.position_address(&s.scene.borrower));
                let reserve = &s.scene.world.reserve(&s.scene.sol);
                ix::DepositCollateral { depositor, position, reserve, depositor_collateral: None, amount_atoms: 1 }.instruction()
            },
            accounts: join(vec![
                vec![
                    ("depositor", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    ("position", vec![
                        yes("somebody else's position", other_position),
                        no("a position of another market", foreign_position, WrongMarket),
                    ]),
                    ("reserve", vec![
                        no("another reserve", |s| s.eth.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_sol.reserve, WrongMarket),
                    ]),
                ],
                transfer(["depositor_collateral", "collateral_vault", "mint", "token_program"], false, true),
                event(),
            ]),
        },
        Case {
            name: "withdraw_collateral",
            created: &[],
            build: |s| {
                let (world, position) = (&s.scene.world, &s.scene.world.position(&s.free));
                let reserve = &world.reserve(&s.scene.sol);
                let withdraw = ix::WithdrawCollateral { position, reserve, owner_collateral: None, amount_atoms: 1, offers: &[] };
                withdraw.instruction().expect("no offers")
            },
            accounts: join(vec![
                vec![
                    ("owner", vec![no("a stranger", stranger, NotOwner)]),
                    market(),
                    ("position", vec![
                        no("somebody else's position", other_position, NotOwner),
                        no("a position of another market", foreign_position, WrongMarket),
                        no("an empty position", |s| s.scene.world.position_address(&s.empty), SlotNotOpen),
                        no("a position with debt", |s| s.scene.world.position_address(&s.scene.borrower), LegMissing),
                    ]),
                    ("reserve", vec![
                        no("another reserve", |s| s.eth.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_sol.reserve, WrongVault),
                    ]),
                ],
                transfer(["owner_collateral", "collateral_vault", "mint", "token_program"], false, false),
                event(),
            ]),
        },
        Case {
            name: "supply",
            created: &[],
            build: |s| {
                let (owner, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::Supply { owner, reserve, owner_liquidity: None, amount_atoms: 1, shares_min: 0 }.instruction()
            },
            accounts: join(vec![change_supply(), transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, true), event()]),
        },
        Case {
            name: "redeem",
            created: &[],
            build: |s| {
                let (owner, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::Redeem { owner, reserve, owner_liquidity: None, shares: 1 << 30, assets_min_atoms: 0 }.instruction()
            },
            accounts: join(vec![change_supply(), transfer(["owner_liquidity", "liquidity_vault", "mint", "token_program"], true, false), event()]),
        },
        Case {
            name: "fund_insurance",
            created: &[],
            build: |s| {
                let (payer, reserve) = (s.scene.lender.address(), &s.scene.world.reserve(&s.scene.usdc));
                ix::FundInsurance { payer, reserve, payer_liquidity: None, amount_atoms: 1 }.instruction()
            },
            accounts: join(vec![
                vec![
                    ("payer", vec![no("a stranger", stranger, TOKEN_OWNER_MISMATCH)]),
                    ("reserve", vec![
                        no("another reserve", |s| s.usdt.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_usdc.reserve, WrongVault),
                    ]),
                ],
                transfer(["payer_liquidity", "liquidity_vault", "mint", "token_program"], true, true),
                event(),
            ]),
        },
        Case {
            name: "collect_fees",
            created: &[],
            build: |s| {
                let treasury_liquidity = s.wallet(&s.scene.world.treasury, &s.scene.usdc);
                ix::CollectFees { reserve: &s.scene.world.reserve(&s.scene.usdc), treasury_liquidity }.instruction()
            },
            accounts: join(vec![
                vec![
                    market(),
                    ("reserve", vec![
                        no("another reserve", |s| s.usdt.reserve, WrongMint),
                        no("another market's reserve", |s| s.foreign_usdc.reserve, WrongMarket),
                    ]),
                    ("treasury_liquidity", vec![
                        no("a stranger's wallet", |s| s.wallet(&s.scene.stranger, &s.scene.usdc), NotTreasury),
                        no("the admin's address", |s| s.scene.world.admin().address(), ErrorCode::AccountOwnedByWrongProgram),
                        no("the vault itself", |s| s.scene.usdc.vault(Vault::Liquidity), NotTreasury),
                        no("the treasury's wallet of another token", |s| s.wallet(&s.scene.world.treasury, &s.eth), TOKEN_MINT_MISMATCH),
                        no("a mint", |s| s.scene.usdc.mint, InstructionError::InvalidAccountData),
                    ]),
                ],
                transfer(["", "liquidity_vault", "mint", "token_program"], true, false).into_iter().skip(1).collect(),
                event(),
            ]),
        },
        Case {
            name: "settle_default",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                ix::SettleDefault { position, offers: &offers(s) }.instruction().expect("offers fit")
            },
            accounts: join(vec![
                vec![
                    market(),
                    ("position", vec![
                        no("a healthy position", other_position, NotInDefault),
                        no("a position of another market", foreign_position, WrongMarket),
                        no("an empty position", |s| s.scene.world.position_address(&s.empty), OfferMismatch),
                    ]),
                ],
                event(),
            ]),
        },
        Case {
            name: "refresh_reserves",
            created: &[],
            build: |s| {
                let token = &s.scene.sol;
                ix::RefreshReserves { offers: &[ix::Offer { reserve: token.reserve, price: token.price }] }.instruction()
            },
            accounts: event(),
        },
        Case {
            name: "notice_stale_price",
            created: &[],
            build: |s| ix::NoticeStalePrice { reserve: s.eth.reserve }.instruction(),
            accounts: join(vec![vec![("reserve", vec![yes("another reserve", |s| s.usdt.reserve)])], event()]),
        },
        Case {
            name: "accrue_interest",
            created: &[],
            build: |s| ix::AccrueInterest { reserve: s.scene.usdc.reserve }.instruction(),
            accounts: join(vec![vec![("reserve", vec![yes("another reserve", |s| s.usdt.reserve)])], event()]),
        },
        Case {
            name: "uncount_position",
            created: &[],
            build: |s| {
                let position = s.scene.world.position_address(&s.free);
                ix::UncountPosition { position, reserve: s.scene.sol.reserve }.instruction()
            },
            accounts: join(vec![
                vec![
                    ("position", vec![
                        no("a position with debt", other_position, PositionHasDebt),
                        no("a position of another market", foreign_position, SlotNotOpen),
                        no("an empty position", |s| s.scene.world.position_address(&s.empty), SlotNotOpen),
                    ]),
                    ("reserve", vec![
                        no("another reserve", |s| s.eth.reserve, SlotNotOpen),
                        no("another market's reserve", |s| s.foreign_sol.reserve, SlotNotOpen),
                    ]),
                ],
                event(),
            ]),
        },
        Case {
            name: "open_position",
            created: &["position"],
            build: |s| ix::OpenPosition { owner: s.scene.borrower.address(), market: s.scene.world.market, id: 9 }.instruction(),
            accounts: join(vec![
                vec![
                    ("owner", vec![no("a stranger", stranger, ErrorCode::ConstraintSeeds)]),
                    ("market", vec![no("another market", foreign_market, ErrorCode::ConstraintSeeds)]),
                    ("position", vec![
                        no("somebody else's position", other_position, ErrorCode::ConstraintSeeds),
                        no("another new address", |_| Pubkey::new_from_array([5; 32]), ErrorCode::ConstraintSeeds),
                    ]),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "close_position",
            created: &[],
            build: |s| {
                let position = s.scene.world.position_address(&s.empty);
                ix::ClosePosition { owner: s.scene.borrower.address(), position }.instruction()
            },
            accounts: join(vec![
                vec![
                    ("owner", vec![no("a stranger", stranger, NotOwner)]),
                    ("position", vec![
                        no("somebody else's position", other_position, NotOwner),
                        no("a position that holds something", |s| s.scene.world.position_address(&s.free), PositionNotEmpty),
                    ]),
                ],
                event(),
            ]),
        },
        Case {
            name: "open_lender",
            created: &["lender"],
            build: |s| ix::OpenLender { owner: s.scene.stranger.address(), reserve: s.scene.usdc.reserve }.instruction(),
            accounts: join(vec![
                vec![
                    ("owner", vec![no("somebody else", |s| s.scene.borrower.address(), ErrorCode::ConstraintSeeds)]),
                    ("reserve", vec![no("another reserve", |s| s.usdt.reserve, ErrorCode::ConstraintSeeds)]),
                    ("lender", vec![
                        no("somebody else's lender account", |s| {
                            address::lender(&s.scene.usdc.reserve, &s.other.address())
                        }, ErrorCode::ConstraintSeeds),
                    ]),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "close_lender",
            created: &[],
            build: |s| ix::CloseLender { owner: s.scene.lender.address(), reserve: s.scene.sol.reserve }.instruction(),
            accounts: join(vec![
                vec![
                    ("owner", vec![no("a stranger", stranger, NotOwner)]),
                    ("lender", vec![
                        no("somebody else's lender account", |s| address::lender(&s.usdt.reserve, &s.other.address()), NotOwner),
                        no("one with shares", |s| address::lender(&s.scene.usdc.reserve, &s.scene.lender.address()), LenderNotEmpty),
                    ]),
                ],
                event(),
            ]),
        },
        Case {
            name: "create_market",
            created: &["market"],
            build: |s| {
                let (admin, treasury) = (s.scene.stranger.address(), s.scene.stranger.address());
                ix::CreateMarket { admin, id: 3, policy: plimsoll_testkit::policy(), treasury }.instruction()
            },
            accounts: join(vec![
                vec![
                    ("admin", vec![yes("somebody else", |s| s.scene.borrower.address())]),
                    ("market", vec![
                        no("another market", foreign_market, ErrorCode::ConstraintSeeds),
                        no("another number's address", |_| address::market(4), ErrorCode::ConstraintSeeds),
                    ]),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "create_reserve",
            created: &["reserve", "liquidity_vault", "collateral_vault"],
            build: |s| {
                let (token, config) = (&s.unborn.0, s.unborn.1);
                let create = ix::CreateReserve {
                    admin: s.scene.world.admin().address(),
                    market: s.scene.world.market,
                    mint: token.mint,
                    token_program: token.kind.program(),
                    price: token.price,
                    config,
                };
                create.instruction()
            },
            accounts: join(vec![
                vec![
                    ("admin", vec![no("a stranger", stranger, NotAdmin)]),
                    ("market", vec![no("another market", foreign_market, ErrorCode::ConstraintSeeds)]),
                    ("reserve", vec![no("another reserve", |s| s.eth.reserve, ErrorCode::ConstraintSeeds)]),
                    ("mint", vec![no("another mint", |s| s.eth.mint, ErrorCode::ConstraintSeeds)]),
                    ("liquidity_vault", vec![
                        no("the other vault", |s| s.unborn.0.vault(Vault::Collateral), ErrorCode::ConstraintSeeds),
                        no("another reserve's vault", |s| s.eth.vault(Vault::Liquidity), ErrorCode::ConstraintSeeds),
                    ]),
                    ("collateral_vault", vec![
                        no("the other vault", |s| s.unborn.0.vault(Vault::Liquidity), ErrorCode::ConstraintSeeds),
                        no("another reserve's vault", |s| s.eth.vault(Vault::Collateral), ErrorCode::ConstraintSeeds),
                    ]),
                    ("price", vec![
                        no("another token's price", |s| s.eth.price, WrongFeed),
                        no("another oracle's price", |s| s.usdt.price, WrongPriceOwner),
                    ]),
                    ("token_program", vec![
                        no("the other token program", spl_2022, InstructionError::IncorrectProgramId),
                        no("no token program", system, ErrorCode::InvalidProgramId),
                    ]),
                ],
                system_program(),
                event(),
            ]),
        },
        Case {
            name: "quote_position",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                ix::QuotePosition { position, offers: &offers(s) }.instruction().expect("offers fit")
            },
            accounts: vec![market(), quoted_position()],
        },
        Case {
            name: "quote_liquidation",
            created: &[],
            build: |s| {
                let position = &s.scene.world.position(&s.scene.borrower);
                let (repay_max_atoms, offers) = (u64::MAX, &offers(s));
                let quote = ix::QuoteLiquidation { position, collateral_slot: 0, debt_slot: 0, repay_max_atoms, offers };
                quote.instruction().expect("offers fit")
            },
            accounts: vec![market(), quoted_position()],
        },
    ]
}

fn quoted_position() -> (&'static str, Vec<Replaced>) {
    ("position", vec![
        yes("somebody else's position", other_position),
        no("a position of another market", foreign_position, PlimsollError::WrongMarket),
    ])
}

fn change_supply() -> Vec<(&'static str, Vec<Replaced>)> {
    use PlimsollError::*;
    vec![
        ("owner", vec![no("a stranger", stranger, NotOwner)]),
        ("reserve", vec![
            no("another reserve", |s| s.usdt.reserve, WrongReserve),
            no("another market's reserve", |s| s.foreign_usdc.reserve, WrongReserve),
        ]),
        ("lender", vec![
            no("somebody else's lender account", |s| address::lender(&s.scene.usdc.reserve, &s.other.address()), NotOwner),
            no("the lender's account in another reserve", |s| {
                address::lender(&s.usdt.reserve, &s.scene.lender.address())
            }, WrongReserve),
        ]),
    ]
}

/// The prices of SOL and USDC: of all legs of a position here, and of one that is about to borrow.
fn offers(stage: &Stage) -> Vec<ix::Offer> {
    let tokens = [&stage.scene.sol, &stage.scene.usdc];
    tokens.into_iter().map(|token| ix::Offer { reserve: token.reserve, price: token.price }).collect()
}

/// The stage on which an instruction works; a few need what others do not.
fn stage_for(case: &str) -> Stage {
    let mut stage = Stage::new();
    match case {
        "notice_stale_price" => stage.scene.world.advance(86_400),
        // The unhealthy position, all but a rest of it sold.
        "settle_default" => {
            super::health::leave_a_rest(&mut stage.scene, "0.5");
        }
        _ => {}
    }
    stage
}

/// Does something to every named account of every instruction.
fn for_every_account(mut check: impl FnMut(&Case, &mut Stage, &Instruction, usize)) {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        for index in 0..case.accounts.len() {
            check(&case, &mut stage, &instruction, index);
        }
    }
}

#[test]
fn every_instruction_works_as_it_stands_and_every_account_of_it_is_looked_at() {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        let remaining = match case.name {
            "liquidate" | "quote_position" | "quote_liquidation" | "settle_default" => instruction.accounts.len() - case.accounts.len(),
            "borrow" => 3,
            "refresh_reserves" => 2,
            _ => 0,
        };
        assert_eq!(instruction.accounts.len(), case.accounts.len() + remaining, "{}", case.name);
        stage.send(&instruction).unwrap_or_else(|refused| panic!("{}: {refused:?}", case.name));
        stage.scene.world.check_invariants();
    }
}

#[test]
fn every_instruction_of_the_program_has_its_case() {
    let source = include_str!("../../../programs/plimsoll/src/lib.rs");
    let in_program = source.split("    pub fn ").skip(1).map(|rest| rest.split(['<', '(']).next().expect("a name"));
    let mut instructions: Vec<&str> = in_program.collect();
    let mut covered: Vec<&str> = cases().iter().map(|case| case.name).collect();
    instructions.sort_unstable();
    covered.sort_unstable();
    assert_eq!(covered, instructions);
}

#[test]
fn another_valid_account_in_the_place_of_any_is_refused() {
    for_every_account(|case, stage, instruction, index| {
        let (account, replacements) = &case.accounts[index];
        assert!(!replacements.is_empty(), "{}: nothing tried in the place of {account}", case.name);
        for replacement in replacements {
            let mut swapped = instruction.clone();
            match replacement {
                Replaced::Refused(with, key, error) => {
                    swapped.accounts[index].pubkey = key(stage);
                    stage.refuses(&format!("{} with {with} for {account}", case.name), error.clone(), &swapped);
                }
                Replaced::Accepted(with, key) => {
                    swapped.accounts[index].pubkey = key(stage);
                    let world = stage.scene.world.clone();
                    let outcome = stage.send(&swapped);
                    outcome.unwrap_or_else(|refused| panic!("{} with {with} for {account}: {refused:?}", case.name));
                    stage.scene.world.check_invariants();
                    stage.scene.world = world;
                }
            }
        }
    });
}

#[test]
fn an_account_of_the_program_is_of_its_kind_and_the_programs() {
    for_every_account(|case, stage, instruction, index| {
        let (account, _) = &case.accounts[index];
        let is_state = ["market", "position", "reserve", "seized_reserve", "repaid_reserve", "lender"].contains(account);
        if !is_state || case.created.contains(account) {
            return;
        }
        let mut swapped = instruction.clone();
        let original = stage.scene.world.svm.get_account(&instruction.accounts[index].pubkey).expect("an account");
        // At its own address: where others derive from it, another address would not get as far.
        let key = instruction.accounts[index].pubkey;
        let mut forge = |what: &str, error: ErrorCode, owner: Pubkey, data: Vec<u8>| {
            let world = stage.scene.world.clone();
            stage.scene.world.put_account(key, owner, data);
            stage.refuses(&format!("{} with {account} {what}", case.name), error, instruction);
            stage.scene.world = world;
        };
        let mut other_kind = original.data.clone();
        other_kind[7] ^= 1;
        let mut none = original.data.clone();
        none[..8].fill(0);
        forge("of another program, with the right bytes", ErrorCode::AccountOwnedByWrongProgram, OTHER_OWNER, original.data.clone());
        forge("of another kind", ErrorCode::AccountDiscriminatorMismatch, PROGRAM_ID, other_kind);
        forge("without its first bytes", ErrorCode::AccountDiscriminatorMismatch, PROGRAM_ID, none);
        forge("cut to nothing", ErrorCode::AccountDiscriminatorNotFound, PROGRAM_ID, vec![]);
        // An account of another kind that exists.
        let alien = if account == &"market" { stage.scene.sol.reserve } else { stage.scene.world.market };
        swapped.accounts[index].pubkey = alien;
        let what = format!("{} with another kind of account for {account}", case.name);
        stage.refuses(&what, ErrorCode::AccountDiscriminatorMismatch, &swapped);
    });
}

#[test]
fn every_signature_is_needed() {
    let mut signers = 0;
    for_every_account(|case, stage, instruction, index| {
        if !instruction.accounts[index].is_signer {
            return;
        }
        signers += 1;
        let mut unsigned = instruction.clone();
        unsigned.accounts[index].is_signer = false;
        let what = format!("{} without the signature of {}", case.name, case.accounts[index].0);
        stage.refuses(&what, ErrorCode::AccountNotSigner, &unsigned);
    });
    assert!(signers >= 14, "{signers}");
}

#[test]
fn every_writable_account_must_be_writable() {
    let mut writable = 0;
    for_every_account(|case, stage, instruction, index| {
        if !instruction.accounts[index].is_writable {
            return;
        }
        writable += 1;
        let account = case.accounts[index].0;
        let mut protected = instruction.clone();
        protected.accounts[index].is_writable = false;
        let what = format!("{} with {account} read-only", case.name);
        // The framework creates accounts before it looks at flags; so the runtime refuses, for payer and account.
        if case.created.contains(&account) || (index == 0 && !case.created.is_empty()) {
            stage.refuses(&what, InstructionError::PrivilegeEscalation, &protected);
        } else {
            stage.refuses(&what, ErrorCode::ConstraintMut, &protected);
        }
    });
    assert!(writable >= 50, "{writable}");
}

#[test]
fn every_named_account_must_be_there() {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        for count in 0..case.accounts.len() {
            let mut short = instruction.clone();
            short.accounts.truncate(count);
            // What comes before the missing one is checked first, and is right.
            let what = format!("{} with {count} accounts", case.name);
            stage.refuses(&what, ErrorCode::AccountNotEnoughKeys, &short);
        }
    }
}

#[test]
fn cut_arguments_and_unknown_instructions_are_refused() {
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        if instruction.data.len() > 8 {
            let mut cut = instruction.clone();
            cut.data.pop();
            stage.refuses(case.name, ErrorCode::InstructionDidNotDeserialize, &cut);
        }
        let mut unknown = instruction.clone();
        unknown.data[0] ^= 0xff;
        stage.refuses(case.name, ErrorCode::InstructionFallbackNotFound, &unknown);
    }
}

#[test]
fn one_lenders_signature_does_not_redeem_anothers_shares() {
    let mut stage = Stage::new();
    let (usdc, stranger) = (stage.scene.usdc.clone(), stage.scene.stranger.clone());
    let reserve = stage.scene.world.reserve(&usdc);
    let lenders = address::lender(&usdc.reserve, &stage.scene.lender.address());
    let redeem = ix::Redeem { owner: stranger.address(), reserve: &reserve, owner_liquidity: None, shares: 1 << 30, assets_min_atoms: 0 };
    let mut instruction = redeem.instruction();
    let own = address::lender(&usdc.reserve, &stranger.address());
    stage.refuses("without an own account", ErrorCode::AccountOwnedByWrongProgram, &instruction);
    instruction.accounts.iter_mut().filter(|meta| meta.pubkey == own).for_each(|meta| meta.pubkey = lenders);
    stage.refuses("with another's account", PlimsollError::NotOwner, &instruction);
}

#[test]
fn an_owner_without_a_signature_moves_nothing_even_if_a_stranger_signs_beside() {
    let mut stage = Stage::new();
    for name in ["borrow", "withdraw_collateral", "redeem", "supply", "close_position", "close_lender"] {
        let case = cases().into_iter().find(|case| case.name == name).expect("a case");
        let mut instruction = (case.build)(&stage);
        instruction.accounts[0].is_signer = false;
        let stranger = AccountMeta::new_readonly(stage.scene.stranger.address(), true);
        instruction.accounts.push(stranger);
        stage.refuses(name, ErrorCode::AccountNotSigner, &instruction);
    }
}
