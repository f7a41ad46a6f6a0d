-- CreateTable
CREATE TABLE "tasks" (
    "id" TEXT COLLATE "C" NOT NULL,
    "server_id" TEXT NOT NULL,
    "prompt" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "execution_time" DOUBLE PRECISION,
    "detail" TEXT NOT NULL,

    CONSTRAINT "tasks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_events" (
    "task_id" TEXT COLLATE "C" NOT NULL,
    "number" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "event" TEXT NOT NULL,

    CONSTRAINT "task_events_pkey" PRIMARY KEY ("task_id","number")
);

-- CreateIndex
CREATE INDEX "tasks_status_id_idx" ON "tasks"("status", "id" DESC);

-- CreateIndex
CREATE INDEX "tasks_server_id_id_idx" ON "tasks"("server_id", "id" DESC);

-- AddForeignKey
ALTER TABLE "task_events" ADD CONSTRAINT "task_events_task_id_fkey" FOREIGN KEY ("task_id") REFERENCES "tasks"("id") ON DELETE CASCADE ON UPDATE CASCADE;
