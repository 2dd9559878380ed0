-- SPDX-License-Identifier: Apache-2.0
-- Events as a careful user would keep them for these questions: names are numbers already, the rung
-- is known, the payer is the one that a statement speaks for. Read: ../README.md
CREATE TABLE event (
    seq bigint PRIMARY KEY, deal int, payer int, payee int, kind text NOT NULL, rung smallint,
    stated date NOT NULL, grade smallint, basis smallint, currency char(3), low bigint, high bigint,
    adds boolean NOT NULL, returned boolean NOT NULL, ref bigint, derived bigint
);
