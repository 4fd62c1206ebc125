// Generated from ../../../idl/plimsoll.json by scripts/generate.mjs; do not edit.

import * as types from './types/index.js';

/** Any event of the program, by its name. */
export type PlimsollEvent =
    | { readonly name: 'AccountChanged'; readonly data: types.AccountChanged }
    | { readonly name: 'ActionPaused'; readonly data: types.ActionPaused }
    | { readonly name: 'BackstopCollateralSet'; readonly data: types.BackstopCollateralSet }
    | { readonly name: 'BackstopCreated'; readonly data: types.BackstopCreated }
    | { readonly name: 'BackstopDepositChanged'; readonly data: types.BackstopDepositChanged }
    | { readonly name: 'BackstopGainClaimed'; readonly data: types.BackstopGainClaimed }
    | { readonly name: 'CollateralChanged'; readonly data: types.CollateralChanged }
    | { readonly name: 'DebtChanged'; readonly data: types.DebtChanged }
    | { readonly name: 'DefaultMarked'; readonly data: types.DefaultMarked }
    | { readonly name: 'DefaultSettled'; readonly data: types.DefaultSettled }
    | { readonly name: 'DepthConfirmed'; readonly data: types.DepthConfirmed }
    | { readonly name: 'FeesCollected'; readonly data: types.FeesCollected }
    | { readonly name: 'FlagCleared'; readonly data: types.FlagCleared }
    | { readonly name: 'FlashBorrowed'; readonly data: types.FlashBorrowed }
    | { readonly name: 'FlashRepaid'; readonly data: types.FlashRepaid }
    | { readonly name: 'InsuranceFunded'; readonly data: types.InsuranceFunded }
    | { readonly name: 'MarginCalled'; readonly data: types.MarginCalled }
    | { readonly name: 'MarketCreated'; readonly data: types.MarketCreated }
    | { readonly name: 'MarketLaunched'; readonly data: types.MarketLaunched }
    | { readonly name: 'ParameterChanged'; readonly data: types.ParameterChanged }
    | { readonly name: 'ParameterProposed'; readonly data: types.ParameterProposed }
    | { readonly name: 'PositionAbsorbed'; readonly data: types.PositionAbsorbed }
    | { readonly name: 'PositionFlagged'; readonly data: types.PositionFlagged }
    | { readonly name: 'PositionLiquidated'; readonly data: types.PositionLiquidated }
    | { readonly name: 'ProposalCancelled'; readonly data: types.ProposalCancelled }
    | { readonly name: 'ProtectionOrderSet'; readonly data: types.ProtectionOrderSet }
    | { readonly name: 'RecoveryClaimed'; readonly data: types.RecoveryClaimed }
    | { readonly name: 'RecoveryRepaid'; readonly data: types.RecoveryRepaid }
    | { readonly name: 'ReserveCreated'; readonly data: types.ReserveCreated }
    | { readonly name: 'ReservesRefreshed'; readonly data: types.ReservesRefreshed }
    | { readonly name: 'RoleAccepted'; readonly data: types.RoleAccepted }
    | { readonly name: 'StalePriceNoticed'; readonly data: types.StalePriceNoticed }
    | { readonly name: 'SupplyChanged'; readonly data: types.SupplyChanged };

/** Every event: its name, the first eight bytes of its data, and what decodes the rest. */
export const EVENTS = [
    { name: 'AccountChanged', discriminator: [183, 191, 16, 59, 91, 104, 1, 7], decoder: types.getAccountChangedDecoder() },
    { name: 'ActionPaused', discriminator: [45, 80, 131, 130, 45, 154, 160, 119], decoder: types.getActionPausedDecoder() },
    { name: 'BackstopCollateralSet', discriminator: [38, 50, 42, 250, 48, 46, 182, 24], decoder: types.getBackstopCollateralSetDecoder() },
    { name: 'BackstopCreated', discriminator: [74, 123, 102, 100, 230, 212, 162, 41], decoder: types.getBackstopCreatedDecoder() },
    { name: 'BackstopDepositChanged', discriminator: [97, 144, 84, 38, 78, 51, 166, 230], decoder: types.getBackstopDepositChangedDecoder() },
    { name: 'BackstopGainClaimed', discriminator: [217, 98, 225, 253, 116, 220, 0, 139], decoder: types.getBackstopGainClaimedDecoder() },
    { name: 'CollateralChanged', discriminator: [172, 114, 48, 57, 98, 83, 95, 157], decoder: types.getCollateralChangedDecoder() },
    { name: 'DebtChanged', discriminator: [6, 170, 175, 28, 54, 51, 173, 114], decoder: types.getDebtChangedDecoder() },
    { name: 'DefaultMarked', discriminator: [16, 102, 206, 133, 227, 138, 211, 138], decoder: types.getDefaultMarkedDecoder() },
    { name: 'DefaultSettled', discriminator: [157, 103, 28, 104, 9, 29, 56, 40], decoder: types.getDefaultSettledDecoder() },
    { name: 'DepthConfirmed', discriminator: [188, 249, 210, 179, 17, 97, 160, 77], decoder: types.getDepthConfirmedDecoder() },
    { name: 'FeesCollected', discriminator: [233, 23, 117, 225, 107, 178, 254, 8], decoder: types.getFeesCollectedDecoder() },
    { name: 'FlagCleared', discriminator: [214, 130, 236, 238, 95, 214, 5, 161], decoder: types.getFlagClearedDecoder() },
    { name: 'FlashBorrowed', discriminator: [167, 227, 8, 165, 41, 203, 102, 186], decoder: types.getFlashBorrowedDecoder() },
    { name: 'FlashRepaid', discriminator: [195, 212, 61, 3, 173, 144, 29, 65], decoder: types.getFlashRepaidDecoder() },
    { name: 'InsuranceFunded', discriminator: [158, 72, 23, 80, 138, 56, 33, 206], decoder: types.getInsuranceFundedDecoder() },
    { name: 'MarginCalled', discriminator: [11, 36, 230, 128, 84, 84, 219, 94], decoder: types.getMarginCalledDecoder() },
    { name: 'MarketCreated', discriminator: [88, 184, 130, 231, 226, 84, 6, 58], decoder: types.getMarketCreatedDecoder() },
    { name: 'MarketLaunched', discriminator: [3, 131, 135, 22, 34, 200, 136, 254], decoder: types.getMarketLaunchedDecoder() },
    { name: 'ParameterChanged', discriminator: [223, 172, 255, 245, 141, 19, 154, 135], decoder: types.getParameterChangedDecoder() },
    { name: 'ParameterProposed', discriminator: [252, 89, 83, 194, 225, 9, 2, 82], decoder: types.getParameterProposedDecoder() },
    { name: 'PositionAbsorbed', discriminator: [186, 230, 249, 30, 239, 136, 139, 227], decoder: types.getPositionAbsorbedDecoder() },
    { name: 'PositionFlagged', discriminator: [214, 195, 219, 171, 95, 96, 40, 15], decoder: types.getPositionFlaggedDecoder() },
    { name: 'PositionLiquidated', discriminator: [40, 107, 90, 214, 96, 30, 61, 128], decoder: types.getPositionLiquidatedDecoder() },
    { name: 'ProposalCancelled', discriminator: [253, 59, 104, 46, 129, 78, 9, 14], decoder: types.getProposalCancelledDecoder() },
    { name: 'ProtectionOrderSet', discriminator: [26, 131, 23, 125, 131, 187, 207, 20], decoder: types.getProtectionOrderSetDecoder() },
    { name: 'RecoveryClaimed', discriminator: [29, 59, 99, 47, 106, 248, 125, 116], decoder: types.getRecoveryClaimedDecoder() },
    { name: 'RecoveryRepaid', discriminator: [164, 209, 170, 64, 23, 21, 209, 71], decoder: types.getRecoveryRepaidDecoder() },
    { name: 'ReserveCreated', discriminator: [120, 8, 71, 243, 135, 170, 20, 99], decoder: types.getReserveCreatedDecoder() },
    { name: 'ReservesRefreshed', discriminator: [235, 125, 141, 231, 226, 251, 194, 195], decoder: types.getReservesRefreshedDecoder() },
    { name: 'RoleAccepted', discriminator: [130, 219, 17, 167, 202, 238, 104, 50], decoder: types.getRoleAcceptedDecoder() },
    { name: 'StalePriceNoticed', discriminator: [102, 40, 1, 116, 116, 8, 254, 213], decoder: types.getStalePriceNoticedDecoder() },
    { name: 'SupplyChanged', discriminator: [253, 199, 35, 232, 241, 126, 162, 16], decoder: types.getSupplyChangedDecoder() },
] as const;
