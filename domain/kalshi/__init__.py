"""What Kalshi's API has said over the years: kinds of payload, and the readers of each.

One module a kind of thing. The generations are those of the API's changelog:

    0   2022 to Nov 2025          integer cents and counts
    1   Dec 2025 to mid Jan 2026  + *_fixed (fills), *_dollars (orders, positions)
    2   mid Jan to 11 Mar 2026    + *_fp; fee_cost on fills from 28 Jan
    3a  12 Mar to 1 Apr 2026      integers gone; *_dollars, with *_fixed still there
    3b  2 Apr to May 2026         *_fixed and client_order_id gone
    4   from May 2026             + outcome_side, book_side
    5   from 20 Aug 2026          + exchange_index

Dates are hints for people. Readers are chosen by shape, because old rows are rendered anew in the
shape of the day on which they are fetched.
"""
