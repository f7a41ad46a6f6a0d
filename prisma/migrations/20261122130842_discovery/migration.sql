-- CreateTable
CREATE TABLE "discoveries" (
    "server_id" TEXT COLLATE "C" NOT NULL,
    "repository_key" TEXT,
    "host_id" BIGINT,
    "registry_name" TEXT,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "finding" JSONB NOT NULL,
    "observed" JSONB,
    "last_verdict" JSONB,

    CONSTRAINT "discoveries_pkey" PRIMARY KEY ("server_id")
);

-- CreateTable
CREATE TABLE "cached_answers" (
    "key" TEXT NOT NULL,
    "etag" TEXT,
    "body" TEXT NOT NULL,
    "checked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "cached_answers_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "discoveries_repository_key_idx" ON "discoveries"("repository_key");

-- CreateIndex
CREATE INDEX "discoveries_host_id_idx" ON "discoveries"("host_id");

-- CreateIndex
CREATE INDEX "discoveries_registry_name_idx" ON "discoveries"("registry_name");

-- CreateIndex
CREATE INDEX "discoveries_seen_at_idx" ON "discoveries"("seen_at");

-- CreateIndex
CREATE INDEX "cached_answers_checked_at_idx" ON "cached_answers"("checked_at");

-- CreateIndex
CREATE INDEX "servers_source_idx" ON "servers"("source");

-- AddForeignKey
ALTER TABLE "discoveries" ADD CONSTRAINT "discoveries_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;
