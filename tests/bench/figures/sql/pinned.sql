-- SPDX-License-Identifier: Apache-2.0
-- The same as it was known three years before the end, give or take a month.
\set day :pinned_day + random(-30, 30)
WITH said AS (
    SELECT DISTINCT ON (deal, payer) payer, currency, low, high FROM event e
    WHERE rung = 3 AND NOT adds AND currency IS NOT NULL AND basis <> 6
        AND stated <= date '2020-01-01' + :day::int AND seq <= :pinned_seq
        AND NOT EXISTS (SELECT FROM event r WHERE r.ref = e.seq
            AND r.stated <= date '2020-01-01' + :day::int AND r.seq <= :pinned_seq)
        AND NOT EXISTS (SELECT FROM event o WHERE o.seq = e.derived
            AND o.stated <= date '2020-01-01' + :day::int AND o.seq <= :pinned_seq)
    ORDER BY deal, payer, grade, stated DESC, seq DESC
), summed AS (
    SELECT payer, currency, sum(low) AS low, sum(high) AS high FROM said
    WHERE payer IS NOT NULL GROUP BY payer, currency
)
SELECT *, rank() OVER (PARTITION BY currency ORDER BY low DESC) FROM summed;
