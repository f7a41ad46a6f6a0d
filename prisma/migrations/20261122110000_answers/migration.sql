-- CreateTable
CREATE TABLE "answers" (
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "answer" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "answers_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "answers_since_idx" ON "answers"("since");
