/** A product's picture in a frame of fixed shape, so that nothing moves when it arrives. */
import { useState } from 'preact/hooks';

type PictureProps = {
  image: string;
  /** Words for the picture; empty where the name stands beside it. */
  alternative: string;
  size: 'card' | 'large' | 'thumb';
  /** Pictures below the first screen can wait. */
  eager?: boolean;
};

const pixels = { card: 320, large: 640, thumb: 72 };

export function ProductPicture({ image, alternative, size, eager }: PictureProps) {
  const [missing, setMissing] = useState<string | null>(null);
  return (
    <span class={`picture picture-${size}`}>
      {missing === image ? (
        <svg class="picture-missing" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
          <path d="M6 14h20a10 10 0 0 1-20 0ZM16 6v8" />
        </svg>
      ) : (
        <img
          src={image}
          alt={alternative}
          width={pixels[size]}
          height={pixels[size]}
          loading={eager === true ? 'eager' : 'lazy'}
          decoding="async"
          onError={() => setMissing(image)}
        />
      )}
    </span>
  );
}
