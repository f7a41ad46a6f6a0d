-- CreateTable
CREATE TABLE "deployments" (
    "id" TEXT COLLATE "C" NOT NULL,
    "server_id" TEXT NOT NULL,
    "server_name" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "desired" TEXT NOT NULL,
    "method" TEXT NOT NULL,
    "container_id" TEXT,
    "endpoint" TEXT,
    "protocol" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "stopped_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "configuration" JSONB NOT NULL,
    "identifier" TEXT NOT NULL,
    "version" TEXT,
    "digest" TEXT,
    "isolation" TEXT,
    "network" TEXT NOT NULL,
    "enforced" JSONB,
    "capabilities" JSONB NOT NULL,
    "restarts" INTEGER NOT NULL,
    "last_failure" JSONB,
    "next_attempt_at" TIMESTAMPTZ(3),
    "sealed_plan" TEXT NOT NULL,
    "artifact" JSONB,
    "workload" JSONB,

    CONSTRAINT "deployments_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "deployments_server_id_id_idx" ON "deployments"("server_id", "id" DESC);

-- CreateIndex
CREATE INDEX "deployments_desired_idx" ON "deployments"("desired");
