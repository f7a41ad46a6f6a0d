// What an installer prints while it works, reduced to a message now and then.

/** So often at most, and only where something was downloaded since. */
const intervalMs = 1_000;
/** So often at least: a download may take minutes without a line. */
const silenceMs = 10_000;

export interface InstallProgress {
  line(text: string): void;
  /** Must be called: a timer runs until then. */
  end(): void;
}

export interface InstallProgressOptions {
  subject: string;
  /** A line that says that something was downloaded. */
  download: RegExp;
  report: (message: string) => void;
}

export const createInstallProgress = (options: InstallProgressOptions): InstallProgress => {
  const { subject, download, report } = options;
  let downloads = 0;
  let told = 0;
  let seconds = 0;
  let toldAt = 0;
  report(`installing ${subject}`);
  const timer = setInterval(() => {
    seconds += intervalMs / 1000;
    if (downloads === told && (seconds - toldAt) * 1000 < silenceMs) return;
    told = downloads;
    toldAt = seconds;
    report(`installing ${subject}: ${downloads} downloads, ${seconds} s`);
  }, intervalMs);
  return {
    line(text) {
      if (download.test(text)) downloads += 1;
    },
    end: () => clearInterval(timer),
  };
};
