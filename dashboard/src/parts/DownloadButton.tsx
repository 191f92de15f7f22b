import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { describeFailure } from "../api";
import { saveFile } from "../download";

/** Downloads a document that `fetchText` gets from the API: a link could not send the access token. */
export function DownloadButton({ label, fileName, size = "xs", fetchText }: { label: string; fileName: string; size?: "xs" | "compact-xs"; fetchText: () => Promise<string> }) {
  const download = useMutation({
    mutationFn: fetchText,
    onSuccess: (text) => saveFile(fileName, text, "text/csv"),
    onError: (error) => notifications.show({ color: "red", title: describeFailure(error).title, message: describeFailure(error).detail }),
  });
  return <Button size={size} variant="default" loading={download.isPending} onClick={() => download.mutate()}>{label}</Button>;
}
