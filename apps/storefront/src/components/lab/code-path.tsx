/** A path in the repository: a link where the build knows the repository's address, else the path as text. */
import { repositoryAddress } from '../../lab/repository.ts';

export function CodePath({ path }: { path: string }) {
  const address = repositoryAddress(path);
  if (address === null) return <code class="code-path">{path}</code>;
  return (
    <a class="code-path" href={address} rel="noreferrer">
      <code>{path}</code>
    </a>
  );
}
