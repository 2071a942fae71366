/** Every product's picture, by slug. */
import { bagPictures } from './bags.ts';
import { clothingPictures } from './clothing.ts';
import { galleyPictures } from './galley.ts';
import { lampPictures } from './lamps.ts';
import { navigationPictures } from './navigation.ts';
import { paperPictures } from './paper.ts';
import { riggingPictures } from './rigging.ts';
import { workshopPictures } from './workshop.ts';
import type { Picture } from './stage.ts';

/** Slug to picture; a product without one is an error of the seed. */
export const pictures: Readonly<Record<string, Picture>> = {
  ...riggingPictures,
  ...lampPictures,
  ...workshopPictures,
  ...bagPictures,
  ...galleyPictures,
  ...clothingPictures,
  ...navigationPictures,
  ...paperPictures,
};
