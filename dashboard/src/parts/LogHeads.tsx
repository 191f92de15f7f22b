import { Modal, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { unwrap } from "herold-client";
import { herold } from "../api";
import { formatCount } from "../format";
import { QueryPanel } from "./QueryPanel";
import { TimeText } from "./TimeText";

/** The heads of the chains of hashes: noted elsewhere, they show later whether a log was cut or replaced. */
export function LogHeads({ onClose }: { onClose: () => void }) {
  const heads = useQuery({ queryKey: ["log heads"], queryFn: async ({ signal }) => unwrap(await herold.GET("/v1/audit/head", { signal })) });
  return (
    <Modal opened onClose={onClose} title="Heads of the logs" size="xl">
      <QueryPanel query={heads}>
        {({ logs, public_key }) => (
          <Stack gap="md">
            <Text size="sm">Each entry has a number, and a hash that covers all entries before it. Keep a copy of a head where the administrators of the database do not write; <code>herold audit verify --head</code> compares it.</Text>
            {logs.map(({ log, number, hash, unlinked, checkpoint }) => (
              <section key={log} aria-label={log}>
                <Title order={2} mb="xs">{log}</Title>
                <dl className="facts">
                  <dt>Last entry</dt><dd className="number">{formatCount(number)}</dd>
                  <dt>Head</dt><dd className="mono">{log}:{number}:{hash}</dd>
                  <dt>Not linked yet</dt><dd className="number">{formatCount(unlinked)}</dd>
                  <dt>Signed</dt><dd>{checkpoint ? <>up to entry {formatCount(checkpoint.number)}, <TimeText at={checkpoint.created_at / 1e6} />, key {checkpoint.key_id}</> : "not yet: audit.signing_key is not set, or no head was signed"}</dd>
                </dl>
              </section>
            ))}
            <dl className="facts"><dt>Public key</dt><dd className="mono">{public_key || "none"}</dd></dl>
          </Stack>
        )}
      </QueryPanel>
    </Modal>
  );
}
