-- kalshi.report.activity -> report_activity. All cells are text; Price_In_Cents is that of YES.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    key AS row_id,
    p.type AS row_type,
    stated(p."Status") AS status,
    stated(p."Market_Ticker") AS instrument_id,
    stated(p."Market_Id") AS market_id,
    stated(p."Direction") AS held_side,
    stated(p."Amount_In_Dollars") AS amount,
    stated(p."Fee_In_Dollars") AS fee,
    dollars_of_cents(p."Price_In_Cents") AS yes_price,
    stated(p."Yes_Contracts_Owned") AS yes_owned,
    stated(p."No_Contracts_Owned") AS no_owned,
    stated(p."Result") AS result,
    stated(p."Profit_In_Dollars") AS revenue,
    'USD' AS currency,
    p."Original_Date" AS at,
    NULL AS contradiction
FROM decoded
