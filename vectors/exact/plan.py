"""A liquidation: legs of a position, the plan, and the doubt of each of its results (protocol, sections 1, 3, 4)."""

from decimal import Decimal

from .numbers import DAY, FACTOR, ONE, PRICE, ROOT_DAYS, SIZING, VALUE, ZERO, Refused, bps, ceil, decide, floor


class Leg:
    """One collateral or debt at its health price, in USD for an atom."""

    def __init__(self, terms, oracle, is_collateral, doubt_atoms=ZERO):
        price, confidence = Decimal(terms["price"]), Decimal(terms.get("confidence", "0"))
        age = terms.get("age_secs", 0)
        self.unusable = None
        if age > oracle["liquidate_age_secs"]:
            self.unusable = "StalePrice"
        elif confidence > price * bps(oracle["confidence_hard_bps"]):
            self.unusable = "ConfidenceTooWide"
        # What may not open risk; plans know no average but the price.
        self.unfit = None
        if age > oracle.get("borrow_age_secs", oracle["liquidate_age_secs"]):
            self.unfit = "StalePrice"
        elif confidence > price * bps(oracle["confidence_soft_bps"]):
            self.unfit = "ConfidenceTooWide"
        elif abs(price - Decimal(terms.get("average", price))) > Decimal(terms.get("average", price)) * bps(oracle.get("ema_band_bps", 10_000)):
            self.unfit = "PriceOffAverage"
        excess = max(ZERO, min(confidence, price * bps(oracle["confidence_hard_bps"])) - price * bps(oracle["confidence_soft_bps"]))
        self.price = (price + excess if is_collateral else price - excess) / 10 ** terms["decimals"]
        self.terms = terms
        self.atoms = int(terms["atoms"] if is_collateral else terms["owed_atoms"])
        self.doubt_atoms = doubt_atoms
        self.sigma = Decimal(terms["sigma"]) if "sigma" in terms else bps(terms["sigma_bps"])
        self.sigma_doubt = terms.get("sigma_doubt", ZERO)
        self.z, self.root = Decimal(terms["z_x100"]) / 100, (Decimal(terms["tau_secs"]) / DAY).sqrt()
        self.move = self.z * self.sigma * self.root
        self.fade = ONE
        if self.unusable == "StalePrice" and is_collateral and "noticed_secs" in terms:
            span = Decimal(oracle["dead_secs"] - oracle["stale_secs"])
            self.fade = max(ZERO, 1 - terms["noticed_secs"] / span)
        if is_collateral:
            self.factor = bps(terms["maintenance_bps"])
            depth, reference = Decimal(terms["depth_atoms"]), bps(terms["sigma_ref_bps"])
            shrunk = depth * reference / self.sigma if self.sigma > reference else depth
            self.depth = max(shrunk, Decimal(terms.get("depth_floor_atoms", 1)))
        else:
            self.weight = bps(terms["debt_weight_bps"]) * (1 + self.move)

    def plain(self, atoms=None):
        return self.price * self.fade * (self.atoms if atoms is None else atoms)

    def shape(self, atoms):
        """Square-root and linear impact of a size."""
        x = Decimal(atoms) / self.depth
        return bps(self.terms["impact_sqrt_bps"]) * x.sqrt(), x

    def alv(self, atoms=None):
        atoms = self.atoms if atoms is None else atoms
        if self.unusable == "StalePrice":
            return self.plain(atoms)
        discount = (1 - self.move) * (1 - bps(self.terms["spread_bps"]) / 2)
        return self.price * discount * atoms / (1 + sum(self.shape(atoms)))

    def counted(self, atoms=None):
        return self.alv(atoms) * self.factor

    def weighted(self):
        return self.plain() * self.weight

    def move_doubt(self):
        return self.z * (self.sigma * ROOT_DAYS + self.root * self.sigma_doubt + 2 * FACTOR) + 3 * FACTOR

    def alv_doubt(self):
        """Of a part of one: the discount's factors, the depth, and ALV's own 2^-40."""
        if self.unusable == "StalePrice":
            return FACTOR / self.fade if self.fade else ZERO
        root, x = self.shape(self.atoms)
        depth = FACTOR / self.sigma + self.sigma_doubt / self.sigma + 1 / self.depth if self.sigma else ZERO
        return self.move_doubt() / (1 - self.move) + 4 * FACTOR + depth * (root + x) / (1 + root + x)

    def counted_doubt(self):
        more = self.doubt_atoms * self.price * self.factor
        return self.counted() * (self.alv_doubt() + FACTOR / self.factor + PRICE) + 3 * VALUE + more

    def weighted_doubt(self):
        more = (self.doubt_atoms * self.price + 2 * VALUE) * self.weight
        return self.plain() * (bps(self.terms["debt_weight_bps"]) * self.move_doubt() + 3 * FACTOR + self.weight * PRICE) + more


class Totals:
    """A position's sums, with their doubts."""

    def __init__(self, collaterals, debts):
        self.value = sum((leg.plain() for leg in collaterals), ZERO)
        self.debt = sum((leg.plain() for leg in debts), ZERO)
        self.counted = sum((leg.counted() for leg in collaterals), ZERO)
        self.weighted = sum((leg.weighted() for leg in debts), ZERO)
        self.counted_doubt = sum((leg.counted_doubt() for leg in collaterals), ZERO)
        self.weighted_doubt = sum((leg.weighted_doubt() for leg in debts), ZERO)
        atoms = sum((leg.doubt_atoms * leg.price for leg in (*collaterals, *debts)), ZERO)
        self.value_doubt = atoms + (len(collaterals) + len(debts)) * 2 * VALUE
        self.health = self.counted / self.weighted if self.weighted else None
        if self.weighted:
            self.doubt = (self.counted_doubt + self.health * self.weighted_doubt) / self.weighted + FACTOR


def allowance(throttle, urgency, urgency_doubt):
    """(share, left, doubt of left) of a throttle; None is unlimited."""
    if throttle is None:
        return None, None, ZERO
    capacity = Decimal(throttle["capacity_atoms"])
    share = floor(capacity * urgency)
    left = max(0, share - ceil(throttle["level"]))
    share_doubt = capacity * urgency_doubt + 1 if urgency_doubt else ZERO
    return share, left, share_doubt + throttle["level_doubt"]


def gross_factor(totals, seized, repaid, terms, market, auction_secs, order):
    """(lb, its doubt) of a position that is not terminal."""
    health = totals.health
    if order and health >= 1:
        least = bonus = bps(order["bonus_bps"])
        bonus_doubt = FACTOR
    else:
        least, most = bps(terms["bonus_min_bps"]), bps(terms["bonus_max_bps"])
        span = 1 - bps(terms["health_max_bonus_bps"])
        by_health, by_time = (1 - health) / span, Decimal(auction_secs) / market["auction_secs"]
        bonus = least + (most - least) * min(ONE, max(by_health, by_time))
        follows_health = by_time < by_health < 1
        bonus_doubt = 3 * FACTOR + ((most - least) * totals.doubt / span if follows_health else ZERO)
    kept = seized.alv() / seized.plain()
    improving = health * repaid.weight / (seized.factor * kept)
    steps = totals.doubt / health + seized.alv_doubt() + repaid.move_doubt() + 4 * FACTOR / seized.factor + VALUE / seized.plain()
    if decide(improving, 1 + least, improving * steps, "the pair rule"):
        raise Refused("TakeOtherCollateral")
    solvent = totals.value / totals.debt
    doubts = {
        1 + bonus: bonus_doubt,
        solvent: totals.value_doubt * (1 + solvent) / totals.debt + FACTOR,
        improving: improving * steps,
    }
    lb = min(doubts)
    # The smallest of three may be another one within their doubts.
    near = [doubt for value, doubt in doubts.items() if value - doubt <= lb + doubts[lb]]
    return lb, max(near)


class Trade:
    """Both sides of a trade at a gross factor."""

    def __init__(self, seized, repaid, lb, lb_doubt):
        self.seized, self.repaid, self.lb, self.lb_doubt = seized, repaid, lb, lb_doubt

    def seize(self, repay):
        return floor(repay * self.repaid.price * self.lb / self.seized.price)

    def repay(self, atoms):
        return ceil(atoms * self.seized.price / self.lb / self.repaid.price)

    def seize_doubt(self, repay, repay_doubt):
        value = repay * self.repaid.price * (self.lb_doubt + self.lb * PRICE) + 3 * VALUE * self.lb
        return (repay_doubt * self.repaid.price * self.lb + value) / self.seized.price + 1

    def repay_doubt(self, atoms, atoms_doubt):
        value = atoms * self.seized.price / self.lb * (self.lb_doubt / self.lb + PRICE) + 3 * VALUE
        return (atoms_doubt * self.seized.price / self.lb + value) / self.repaid.price + 1

    def by_debt(self, owed):
        return owed, self.seize(owed), self.repaid.doubt_atoms, self.seize_doubt(owed, self.repaid.doubt_atoms)

    def by_collateral(self, atoms):
        doubt = self.seized.doubt_atoms
        return self.repay(atoms), atoms, self.repay_doubt(atoms, doubt), doubt


def to_target(totals, trade, target):
    """(repayment in atoms, its doubt) that reaches the target; None where none does."""
    seized, repaid, lb = trade.seized, trade.repaid, trade.lb
    others = totals.counted - seized.counted()

    def missing(v):
        left = max(ZERO, seized.atoms - lb * v / seized.price)
        return target * (totals.weighted - repaid.weight * v) - others - seized.counted(left)

    most = seized.atoms * seized.price / lb
    if missing(most) > 0:
        return None
    low, high = ZERO, most
    for _ in range(220):
        middle = (low + high) / 2
        low, high = (middle, high) if missing(middle) > 0 else (low, middle)
    # What is missing at the answer, over the least slope: selling an atom gives up at most its price times m.
    slope = target * repaid.weight - lb * seized.factor
    atom = seized.price * seized.factor
    off = (SIZING * target + FACTOR) * totals.weighted + target * totals.weighted_doubt + totals.counted_doubt
    doubt = (off + atom + seized.factor * high * trade.lb_doubt) / slope
    return ceil(high / repaid.price), (doubt + 2 * VALUE) / repaid.price + 1


def first_part(totals, repaid, atoms):
    """What a debt may take of `atoms` as a sale begins: its part of the debt by value, in atoms and their doubt."""
    part = repaid.atoms * repaid.price / totals.debt
    return floor(atoms * part), atoms * (2 * totals.value_doubt / totals.debt + 8 * FACTOR) + 1


def liquidate(collaterals, debts, market, terms, request, throttle=None, order=None, auction_secs=0, is_cooling=False, entitled=None):
    """The plan of a liquidation. Raises `Refused`. `entitled`: what the debt may still take of the collateral in a terminal
    sale that has begun, and its doubt, in atoms; where none has begun, one of several debts may take its part by value."""
    i, j, repay_max = request["collateral"], request["debt"], int(request["repay_max_atoms"])
    if repay_max == 0:
        raise Refused("ZeroAmount")
    if i >= len(collaterals) or j >= len(debts):
        raise Refused("LegMismatch")
    seized, repaid = collaterals[i], debts[j]
    for leg in (seized, repaid):
        if leg.unusable:
            raise Refused(leg.unusable)
    totals = Totals(collaterals, debts)
    health = totals.health
    is_protection = not decide(health, ONE, totals.doubt, "health")
    if is_protection:
        if not order or not decide(health, bps(order["trigger_bps"]), totals.doubt, "the trigger"):
            raise Refused("Healthy")
        for leg in (*collaterals, *debts):
            if leg.unfit:
                raise Refused(leg.unfit)
    if is_cooling:
        raise Refused("CoolingOff")

    target, default, dust = bps(market["target_health_bps"]), bps(market["bonus_default_bps"]), Decimal(market["dust_usd"])
    is_terminal = decide(totals.value, (1 + default) * totals.debt, 2 * totals.value_doubt + FACTOR * totals.debt, "terminal")
    share = left = None
    left_doubt = ZERO
    if is_terminal:
        lb, lb_doubt = 1 + default, FACTOR
    else:
        lb, lb_doubt = gross_factor(totals, seized, repaid, terms, market, auction_secs, order)
        span = 1 - bps(terms["health_max_bonus_bps"])
        along = (1 - health) / span
        is_between = Decimal("0.25") < along < 1
        urgency = max(Decimal("0.25"), min(ONE, along))
        share, left, left_doubt = allowance(throttle, urgency, totals.doubt / span + 2 * FACTOR if is_between else ZERO)

    trade = Trade(seized, repaid, lb, lb_doubt)
    atoms, owed = seized.atoms, repaid.atoms
    aim = None if is_terminal else to_target(totals, trade, target)
    if aim and aim[0] < owed:
        size = (aim[0], trade.seize(aim[0]), aim[1], trade.seize_doubt(*aim))
    else:
        size = trade.by_debt(owed)
    if size[1] > atoms:
        size = trade.by_collateral(atoms)
    if 0 < (owed - size[0]) * repaid.price < dust and trade.seize(owed) <= atoms:
        size = trade.by_debt(owed)
    elif 0 < (atoms - size[1]) * seized.price < dust and trade.repay(atoms) <= owed:
        size = trade.by_collateral(atoms)
    if is_terminal and entitled is None and len(debts) > 1:
        entitled = first_part(totals, repaid, atoms)
    most, most_doubt = (entitled or (None, None)) if is_terminal else (left, left_doubt)
    is_cut = most is not None and size[1] > most
    is_throttled = is_cut and not is_terminal
    if is_cut:
        size = (trade.repay(most), most, trade.repay_doubt(most, most_doubt), most_doubt)
    if is_throttled and size[1] == 0:
        raise Refused("Throttled")
    if size[0] > repay_max:
        repay, doubt = repay_max, ZERO
        if (owed - repay) * repaid.price < dust:
            repay, doubt = owed - ceil(dust / repaid.price), repaid.doubt_atoms + 1 + 2 * VALUE / repaid.price
            if repay <= 0:
                raise Refused("RepayMaxBelowDust")
        size = (repay, min(size[1], trade.seize(repay)), doubt, trade.seize_doubt(repay, doubt))
    repay, seize, repay_doubt, seize_doubt = size
    if seize == 0:
        raise Refused("NothingToSeize")
    if seize < int(request.get("seize_min_atoms", 0)):
        raise Refused("SeizeBelowMin")
    owed_after = totals.weighted - repaid.weight * repay * repaid.price
    part = bps(terms["fee_share_bps"])
    return {
        "repay": repay,
        "seize": seize,
        "fee": floor(part * (lb - 1) * repay),
        "lb": lb,
        "health_before": health,
        "health_after": (totals.counted - seized.counted() + seized.counted(atoms - seize)) / owed_after if owed_after > 0 else None,
        "is_terminal": is_terminal,
        "is_protection": is_protection,
        "is_throttled": is_throttled,
        "share": share,
        "left": left,
        "closes_debt": repay == owed,
        "takes_last_collateral": sum(leg.atoms for leg in collaterals) == seize,
        "repay_doubt": repay_doubt,
        "seize_doubt": seize_doubt,
        "fee_doubt": part * (lb - 1) * repay_doubt + repay * (part * lb_doubt + FACTOR) + 1,
        "left_doubt": left_doubt,
    }
