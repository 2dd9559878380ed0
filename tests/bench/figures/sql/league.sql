-- SPDX-License-Identifier: Apache-2.0
-- Who has committed most: the latest of the best grade for each deal and payer, summed and ranked.
WITH said AS (
    SELECT DISTINCT ON (deal, payer) payer, currency, low, high FROM event e
    WHERE rung = 3 AND NOT adds AND currency IS NOT NULL AND basis <> 6
        AND NOT EXISTS (SELECT FROM event r WHERE r.ref = e.seq)
        AND NOT EXISTS (SELECT FROM event o WHERE o.seq = e.derived)
    ORDER BY deal, payer, grade, stated DESC, seq DESC
), summed AS (
    SELECT payer, currency, sum(low) AS low, sum(high) AS high FROM said
    WHERE payer IS NOT NULL GROUP BY payer, currency
)
SELECT *, rank() OVER (PARTITION BY currency ORDER BY low DESC) FROM summed;
