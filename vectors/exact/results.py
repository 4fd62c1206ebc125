"""What a market comes to at the end of a sequence."""

from .numbers import ZERO, ceil, text
from .plan import Totals


def results(market, now):
    """(balances, their doubts) by name, zeros left out, with all interest booked."""
    rows = []
    for name, reserve in market.reserves.items():
        reserve.accrue(now)
        throttle = reserve.throttle(now)
        rows += [
            (f"{name}.cash_atoms", reserve.cash, reserve.doubt["cash"]),
            (f"{name}.insurance_atoms", reserve.insurance, reserve.doubt["insurance"]),
            (f"{name}.fee_atoms", reserve.fee, reserve.doubt["fee"]),
            (f"{name}.insurance_accrued_atoms", reserve.waiting_insurance, reserve.doubt["waiting_insurance"]),
            (f"{name}.fee_accrued_atoms", reserve.waiting_fee, reserve.doubt["waiting_fee"]),
            (f"{name}.debt_atoms", reserve.total_debt(), reserve.doubt["debt"] + reserve.owed_doubt(reserve.debt_shares)),
            (f"{name}.collateral_atoms", reserve.collateral, reserve.doubt["collateral"]),
            (f"{name}.counted_atoms", reserve.counted, reserve.doubt["counted"]),
            (f"{name}.insurance_collateral_atoms", reserve.forfeited, reserve.doubt["forfeited"]),
            (f"{name}.throttle_level_atoms", ceil(throttle["level"]), throttle["level_doubt"]),
        ]
    for name, claims in market.claims.items():
        rows += claims.rows(name, market.positions)
    for who, position in market.positions.items():
        for name, reserve in market.reserves.items():
            shares = position.debts.get(name, 0)
            rows += [
                (f"{who}.{name}.collateral_atoms", position.collaterals.get(name, [0])[0], position.doubt[name] if name in position.collaterals else ZERO),
                (f"{who}.{name}.debt_atoms", reserve.owed(shares), position.doubt[name] + reserve.owed_doubt(shares) if shares else ZERO),
                (f"{who}.{name}.supply_atoms", reserve.worth(market.shares[who][name]), reserve.worth_doubt(market.shares[who][name])),
                (f"{who}.{name}.net_atoms", market.net[who][name], market.net_doubt[who, name]),
            ]
        rows.append((f"{who}.auction_secs", market.counted_secs(position, now) or 0, ZERO))
        rows.append((f"{who}.is_called", int(position.called), ZERO))
    values = {name: str(value) for name, value, doubt in rows if value or ceil(doubt)}
    doubts = {name: str(ceil(doubt)) for name, _, doubt in rows if ceil(doubt)}
    for who, position in market.positions.items():
        totals = Totals(*market.legs(position, now))
        if totals.health is not None:
            values[f"{who}.health"] = text(totals.health)
    return values, doubts


def sigmas(market, now):
    return {
        name: text(value)
        for which, reserve in market.reserves.items()
        for name, value in ((f"{which}.sigma", reserve.sigma), (f"{which}.sigma_maintenance", reserve.maintenance_at(now)))
    }
