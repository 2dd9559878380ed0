-- SPDX-License-Identifier: Apache-2.0
-- One deal as of a day: the latest of the best grade for each rung and payer, and what was paid.
\set deal random(1, :deals)
\set day random(0, 1825)
WITH said AS (
    SELECT * FROM event e
    WHERE deal = :deal AND stated <= date '2020-01-01' + :day::int AND seq <= :head
        AND rung IS NOT NULL AND basis <> 6
        AND NOT EXISTS (SELECT FROM event r WHERE r.ref = e.seq
            AND r.stated <= date '2020-01-01' + :day::int AND r.seq <= :head)
        AND NOT EXISTS (SELECT FROM event o WHERE o.seq = e.derived
            AND o.stated <= date '2020-01-01' + :day::int AND o.seq <= :head)
), setting AS (
    SELECT DISTINCT ON (rung, payer) rung, payer, currency, low, high FROM said
    WHERE rung < 4 AND NOT adds AND currency IS NOT NULL
    ORDER BY rung, payer, grade, stated DESC, seq DESC
), paying AS (
    SELECT 4::smallint, payer, currency, sum(CASE WHEN returned THEN -high ELSE low END),
        sum(CASE WHEN returned THEN -low ELSE high END)
    FROM said WHERE rung = 4 AND currency IS NOT NULL GROUP BY payer, currency
)
SELECT * FROM setting UNION ALL SELECT * FROM paying;
