"""A market and its people: what each action does to every balance, or what it is refused with."""

from collections import defaultdict
from copy import deepcopy
from decimal import Decimal

from .claims import Claims
from .numbers import ONE, VALUE, ZERO, Refused, bps, decide
from .plan import Leg, Totals, liquidate
from .position import Position
from .reserve import Reserve

PROTECTION_GAP_BPS = 100


class Market:
    def __init__(self, policy, reserves, people):
        self.policy = policy
        self.reserves = {config["name"]: Reserve(config, 0) for config in reserves}
        self.positions = {name: Position() for name in people}
        self.shares = {name: defaultdict(int) for name in people}
        self.claims = {name: Claims() for name in self.reserves}
        self.net = {name: defaultdict(int) for name in people}
        self.net_doubt = defaultdict(lambda: ZERO)

    def act(self, action):
        """Raises `Refused` and changes nothing, or does it."""
        before = deepcopy(self.__dict__)
        given = {name: value for name, value in action.items() if name not in ("at_secs", "do", "refused")}
        try:
            getattr(self, "do_" + action["do"])(now=action["at_secs"], **given)
        except Refused:
            self.__dict__ = before
            raise

    def move(self, who, reserve, atoms, doubt=ZERO):
        self.net[who][reserve] += atoms
        self.net_doubt[who, reserve] += doubt

    # -- legs --

    def terms(self, name, sigma, sigma_doubt, now, price=None):
        reserve = self.reserves[name]
        risk, reading = reserve.config["risk"], reserve.reading
        return {
            **risk,
            "decimals": reserve.config["decimals"],
            "price": reading["price"] if price is None else price,
            "average": reading["average"] if price is None else price,
            "confidence": reading["confidence"] if price is None else ZERO,
            "age_secs": now - reading["published"],
            "sigma": sigma,
            "sigma_doubt": sigma_doubt,
        }

    def legs(self, position, now):
        collaterals, debts = [], []
        for name, (atoms, _) in position.collaterals.items():
            reserve = self.reserves[name]
            terms = {**self.terms(name, reserve.maintenance_at(now), reserve.sigma_doubt, now), "atoms": atoms}
            collaterals.append(Leg(terms, reserve.oracle, True, position.doubt[name]))
        for name, shares in position.debts.items():
            reserve = self.reserves[name]
            owed, doubt = reserve.projected_owed(shares, now)
            terms = {**self.terms(name, reserve.maintenance_at(now), reserve.sigma_doubt, now), "owed_atoms": owed}
            debts.append(Leg(terms, reserve.oracle, False, position.doubt[name] + doubt))
        return collaterals, debts

    def initial(self, position, now):
        """(weighted collateral, weighted debt, doubt of their difference): last in, at the worse of two prices."""
        collateral, debt, doubt = ZERO, ZERO, ZERO
        for name in (*position.collaterals, *position.debts):
            if self.reserves[name].unfit(now):
                raise Refused(self.reserves[name].unfit(now))
        for name, (atoms, counted) in position.collaterals.items():
            reserve = self.reserves[name]
            low = min(reserve.reading["price"], reserve.reading["average"]) - reserve.reading["confidence"]
            others = reserve.counted - counted
            terms = self.terms(name, reserve.sigma, reserve.sigma_doubt, now, low)
            terms["maintenance_bps"] = reserve.config["initial"]["initial_bps"]
            everything = Leg({**terms, "atoms": others + atoms}, reserve.oracle, True, position.doubt[name])
            collateral += (everything.alv() - everything.alv(others)) * everything.factor
            doubt += 2 * everything.counted_doubt()
        for name, shares in position.debts.items():
            reserve = self.reserves[name]
            high = max(reserve.reading["price"], reserve.reading["average"]) + reserve.reading["confidence"]
            owed, owed_doubt = reserve.projected_owed(shares, now)
            terms = self.terms(name, reserve.sigma, reserve.sigma_doubt, now, high)
            terms["debt_weight_bps"] = reserve.config["initial"]["debt_weight_bps"]
            leg = Leg({**terms, "owed_atoms": owed}, reserve.oracle, False, position.doubt[name] + owed_doubt)
            debt += leg.weighted()
            doubt += leg.weighted_doubt()
        return collateral, debt, doubt

    def require_healthy(self, position, now):
        """Both healths at least one. Returns maintenance totals."""
        collateral, debt, doubt = self.initial(position, now)
        if decide(collateral, debt, doubt, "initial health"):
            raise Refused("InitialHealthTooLow")
        totals = Totals(*self.legs(position, now))
        if decide(totals.health, ONE, totals.doubt, "maintenance health"):
            raise Refused("MaintenanceHealthTooLow")
        return totals

    # -- lending --

    def do_supply(self, now, who, reserve, atoms):
        self.reserves[reserve].accrue(now)
        self.shares[who][reserve] += self.reserves[reserve].supply(int(atoms))
        self.move(who, reserve, -int(atoms))

    def do_redeem(self, now, who, reserve, part_bps):
        self.reserves[reserve].accrue(now)
        shares = self.shares[who][reserve] * part_bps // 10_000
        if shares > self.shares[who][reserve]:
            raise Refused("AmountExceedsBalance")
        self.shares[who][reserve] -= shares
        self.move(who, reserve, *self.reserves[reserve].redeem(shares))

    def do_insure(self, now, who, reserve, atoms):
        if int(atoms) == 0:
            raise Refused("ZeroAmount")
        self.reserves[reserve].insurance += int(atoms)
        self.move(who, reserve, -int(atoms))

    def do_pay_back(self, now, who, reserve, atoms):
        taken, doubt, of_nobody = self.claims[reserve].pay(int(atoms))
        self.reserves[reserve].insurance += of_nobody
        self.move(who, reserve, -taken, doubt)

    def do_claim(self, now, who, reserve):
        self.move(who, reserve, *self.claims[reserve].take(who))

    def lose(self, reserve, shares, doubt):
        """Writes a debt off, and books what lenders lose by it."""
        held = {who: own[reserve] for who, own in self.shares.items()}
        self.claims[reserve].lose(*self.reserves[reserve].write_off(shares, doubt), held)

    def do_price(self, now, reserve, **given):
        for price in (Decimal(given["price"]), Decimal(given.get("average", given["price"]))):
            if price <= 0:
                raise Refused("PriceNotPositive")
            if not Decimal("1e-12") <= price <= Decimal("1e9"):
                raise Refused("PriceOutOfRange")
        self.reserves[reserve].keep(given, now)
        self.reserves[reserve].accrue(now)

    # -- positions --

    def do_deposit(self, now, who, reserve, atoms, position=None):
        owner, atoms = position or who, int(atoms)
        position, held = self.positions[owner], self.reserves[reserve]
        if reserve in position.debts:
            raise Refused("CollateralIsDebt")
        if reserve not in position.collaterals:
            if who != owner:
                raise Refused("SlotNotOpen")
            position.collaterals[reserve] = [0, 0]
        caps, before = held.config["caps"], None
        cap, is_rescue = int(caps["collateral_atoms"]), False
        if held.collateral + atoms > cap:
            is_rescue, before = True, Totals(*self.legs(position, now))
        position.collaterals[reserve][0] += atoms
        if is_rescue:
            collaterals, debts = self.legs(position, now)
            for leg in (*collaterals, *debts):
                if leg.unusable:
                    raise Refused(leg.unusable)
            after, call, target = Totals(collaterals, debts), bps(self.policy["call_level_bps"]), bps(self.policy["target_health_bps"])
            is_called = before.health is not None and decide(before.health, call, before.doubt, "the call level")
            if not is_called or decide(target, after.health, after.doubt, "the target"):
                raise Refused("CollateralCapExceeded")
            cap += cap * caps["rescue_allowance_bps"] // 10_000
        if atoms == 0:
            raise Refused("ZeroAmount")
        if held.collateral + atoms > cap:
            raise Refused("CollateralCapExceeded")
        held.collateral += atoms
        if position.debts:
            position.collaterals[reserve][1] += atoms
            held.counted += atoms
        self.move(who, reserve, -atoms)

    def do_withdraw(self, now, who, reserve, atoms):
        position, atoms = self.positions[who], int(atoms)
        if atoms == 0:
            raise Refused("ZeroAmount")
        if reserve not in position.collaterals:
            raise Refused("SlotNotOpen")
        if atoms > position.collaterals[reserve][0]:
            raise Refused("AmountExceedsBalance")
        self.reserves[reserve].counted -= position.remove(reserve, atoms)
        self.reserves[reserve].collateral -= atoms
        if position.debts:
            self.see_owner(position, self.require_healthy(position, now), now)
        self.move(who, reserve, atoms)

    def do_borrow(self, now, who, reserve, atoms):
        position, lent = self.positions[who], self.reserves[reserve]
        if reserve in position.collaterals:
            raise Refused("CollateralIsDebt")
        lent.accrue(now)
        position.debts[reserve] = position.debts.get(reserve, 0) + lent.lend(int(atoms))
        for name, held in position.collaterals.items():
            self.reserves[name].counted += held[0] - held[1]
            held[1] = held[0]
        totals = self.require_healthy(position, now)
        debt = self.legs(position, now)[1][list(position.debts).index(reserve)]
        if decide(debt.plain(), 4 * Decimal(self.policy["dust_usd"]), debt.doubt_atoms * debt.price + 2 * VALUE, "the smallest debt"):
            raise Refused("DebtBelowMin")
        self.see_owner(position, totals, now)
        self.move(who, reserve, int(atoms))

    def do_repay(self, now, who, reserve, atoms, position=None):
        position, lent, most = self.positions[position or who], self.reserves[reserve], int(atoms)
        if reserve not in position.debts:
            raise Refused("SlotNotOpen")
        lent.accrue(now)
        if most == 0:
            raise Refused("ZeroAmount")
        shares = position.debts[reserve]
        owed, doubt = lent.owed(shares), ZERO
        if most >= owed:
            doubt = position.doubt[reserve] + lent.owed_doubt(shares)
            position.doubt[reserve] = ZERO
        position.burn(reserve, lent.take_repayment(shares, min(most, owed), doubt))
        self.move(who, reserve, -min(most, owed), doubt)

    def do_uncount(self, now, position, reserve):
        position = self.positions[position]
        if reserve not in position.collaterals:
            raise Refused("SlotNotOpen")
        if position.debts:
            raise Refused("PositionHasDebt")
        self.reserves[reserve].counted -= position.collaterals[reserve][1]
        position.collaterals[reserve][1] = 0

    def do_set_order(self, now, who, trigger_bps, bonus_bps):
        highest = self.policy["target_health_bps"] - PROTECTION_GAP_BPS
        is_order = 10_000 < trigger_bps <= highest and bonus_bps <= self.policy["bonus_default_bps"]
        if not is_order and (trigger_bps, bonus_bps) != (0, 0):
            raise Refused("InvalidProtectionOrder")
        self.positions[who].order = {"trigger_bps": trigger_bps, "bonus_bps": bonus_bps} if trigger_bps else None

    # -- sightings --

    def slot(self, now):
        return now * 5 // 2

    def counted_secs(self, position, now):
        """Liquidatable time since the flag; None without a flag, or after two auction times."""
        if position.flag is None:
            return None
        counted, since = position.flag
        counted += min(now - since, self.policy["sighting_secs"])
        return counted if counted < 2 * self.policy["auction_secs"] else None

    def see_healthy(self, position, health, doubt):
        position.end_flag()
        if not decide(health, bps(self.policy["call_level_bps"]), doubt, "the call level"):
            position.called = False

    def see_owner(self, position, totals, now):
        if position.called:
            self.see_healthy(position, totals.health, totals.doubt)
        position.cooling_until = self.slot(now) + self.policy["cool_off_slots"]

    def could_sell(self, plan):
        return not plan["is_throttled"] or 2 * plan["left"] >= plan["share"]

    # -- liquidation --

    def plan(self, position, now, collateral, debt, repay_max_atoms=2**64 - 1, seize_min_atoms=0):
        if collateral not in position.collaterals or debt not in position.debts:
            raise Refused("SlotNotOpen")
        collaterals, debts = self.legs(position, now)
        request = {
            "collateral": list(position.collaterals).index(collateral),
            "debt": list(position.debts).index(debt),
            "repay_max_atoms": repay_max_atoms,
            "seize_min_atoms": seize_min_atoms,
        }
        seized = self.reserves[collateral]
        return liquidate(
            collaterals,
            debts,
            self.policy,
            seized.config["bonus"],
            request,
            throttle=seized.throttle(now),
            order=position.order,
            auction_secs=self.counted_secs(position, now) or 0,
            is_cooling=position.cooling_until is not None and self.slot(now) <= position.cooling_until,
            entitled=position.entitled(collateral, debt),
        )

    def do_liquidate(self, now, who, position, collateral, debt, **limits):
        position, seized, repaid = self.positions[position], self.reserves[collateral], self.reserves[debt]
        if collateral not in position.collaterals or debt not in position.debts:
            raise Refused("SlotNotOpen")
        repaid.accrue(now)
        plan = self.plan(position, now, collateral, debt, **limits)
        if plan["is_terminal"]:
            position.sell(collateral, debt, plan["seize"], *self.legs(position, now))
        else:
            position.end_sale()
        position.burn(debt, repaid.take_repayment(position.debts[debt], plan["repay"], plan["repay_doubt"]))
        position.doubt[debt] = position.doubt[debt] + plan["repay_doubt"] if debt in position.debts else ZERO
        repaid.insurance += plan["fee"]
        repaid.doubt["insurance"] += plan["fee_doubt"]
        seized.counted -= position.remove(collateral, plan["seize"])
        seized.doubt["counted"] += plan["seize_doubt"]
        seized.doubt["collateral"] += plan["seize_doubt"]
        position.doubt[collateral] += plan["seize_doubt"] if collateral in position.collaterals else ZERO
        if not plan["is_terminal"]:
            seized.fill(plan["seize"], plan["seize_doubt"], now)
        seized.collateral -= plan["seize"]
        self.see_liquidation(position, plan, now)
        if plan["takes_last_collateral"] and list(position.debts) == [debt]:
            shares = position.debts[debt]
            self.lose(debt, shares, position.doubt[debt] + repaid.owed_doubt(shares))
            position.burn(debt, shares)
            position.doubt[debt] = ZERO
        self.move(who, debt, -plan["repay"] - plan["fee"], plan["repay_doubt"] + plan["fee_doubt"])
        self.move(who, collateral, plan["seize"], plan["seize_doubt"])

    def see_liquidation(self, position, plan, now):
        if not position.debts or plan["health_after"] is None or plan["health_after"] >= 1:
            # A target reached is above any call level but one that equals it; then a rounding would decide.
            after = plan["health_after"]
            position.end_flag()
            call = bps(self.policy["call_level_bps"])
            assert after is None or abs(after - call) > Decimal("1e-6") or not position.called, "the call level is the health after"
            if after is None or after >= call:
                position.called = False
        else:
            counted = self.counted_secs(position, now)
            if counted is not None and self.could_sell(plan):
                position.flag = (counted, now)

    def do_flag(self, now, position, collateral, debt):
        position = self.positions[position]
        if collateral not in position.collaterals or debt not in position.debts:
            raise Refused("SlotNotOpen")
        totals = Totals(*self.legs(position, now))
        if decide(totals.health, ONE, totals.doubt, "health"):
            if not self.could_sell(self.plan(position, now, collateral, debt)):
                raise Refused("Throttled")
            position.called = True
            position.flag = (self.counted_secs(position, now) or 0, now)
            return
        is_called = decide(totals.health, bps(self.policy["call_level_bps"]), totals.doubt, "the call level")
        if position.flag is None and is_called == position.called:
            raise Refused("Healthy")
        for name in (*position.collaterals, *position.debts):
            if self.reserves[name].unfit(now):
                raise Refused(self.reserves[name].unfit(now))
        position.end_flag()
        position.called = is_called

    def do_settle(self, now, position):
        position = self.positions[position]
        collaterals, debts = self.legs(position, now)
        totals = Totals(collaterals, debts)
        unhealthy = totals.health is not None and totals.health < 1
        if not unhealthy or totals.value >= totals.debt or totals.value > Decimal(self.policy["dust_usd"]):
            raise Refused("NotInDefault")
        if any(leg.atoms for leg in collaterals):
            for leg in (*(leg for leg in collaterals if leg.atoms), *debts):
                if leg.unusable:
                    raise Refused(leg.unusable)
        for name, shares in list(position.debts.items()):
            reserve = self.reserves[name]
            reserve.accrue(now)
            self.lose(name, shares, position.doubt[name] + reserve.owed_doubt(shares))
            position.burn(name, shares)
        for name, (atoms, counted) in position.collaterals.items():
            reserve = self.reserves[name]
            reserve.collateral -= atoms
            reserve.counted -= counted
            reserve.forfeited += atoms
            reserve.doubt["forfeited"] += position.doubt[name]
        position.collaterals = {}
        position.doubt.clear()
